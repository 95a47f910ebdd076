// The key that djanginxed stores a page under: the md5 of the location's key
// prefix and the request target, exactly as the client sent it.
import crypto from 'crypto';

function key(r) {
    const name = r.variables.djanginxed_prefix + r.variables.request_uri;
    return crypto.createHash('md5').update(name).digest('hex');
}

export default { key };
