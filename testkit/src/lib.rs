//! Real memcached and nginx processes on free loopback ports.
