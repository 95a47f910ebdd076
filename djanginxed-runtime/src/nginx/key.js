// The key that djanginxed stores a page under: the md5 of the location's key
// prefix and the request target, byte for byte as the client sent it. As text,
// bytes that are no UTF-8 would all become the same character.
import crypto from 'crypto';

function key(r) {
    const hash = crypto.createHash('md5');
    hash.update(r.rawVariables.djanginxed_prefix);
    hash.update(r.rawVariables.djanginxed_hashed);
    return hash.digest('hex');
}

export default { key };
