//! What `deletes` knows of the rest of the runtime, in small.

pub(crate) mod key {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(crate) struct PageKey(pub(crate) u8);
}

pub(crate) mod tag {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(crate) struct TagKey(pub(crate) u8);
}

pub(crate) mod store {
    pub(crate) mod client {
        use std::time::Duration;

        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Marker {
            pub(crate) number: Option<u64>,
        }

        impl Marker {
            pub(crate) fn age(&self) -> Duration {
                Duration::ZERO
            }
        }
    }
}
