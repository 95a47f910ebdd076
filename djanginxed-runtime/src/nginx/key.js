// What nginx cannot work out by itself: the key that djanginxed stores a page under,
// and whether a group's cookie is signed.
import crypto from 'crypto';

// The md5 of the location's key prefix and the request target, byte for byte as the
// client sent it. As text, bytes that are no UTF-8 would all become the same character.
function key(r) {
    const hash = crypto.createHash('md5');
    hash.update(r.rawVariables.djanginxed_prefix);
    hash.update(r.rawVariables.djanginxed_hashed);
    return hash.digest('hex');
}

// 1 where "END NAME VALUE HASH" is signed with the secret and has not ended.
function believed(r) {
    const signed = r.variables.djanginxed_signed;
    if (!signed) {
        return '';
    }
    const secret = r.variables.djanginxed_secret;
    const hmac = (text, encoding) =>
        crypto.createHmac('sha256', secret).update(text).digest(encoding);
    const space = signed.lastIndexOf(' ');
    const right = hmac(signed.slice(0, space), 'base64url');
    // How long it takes to compare these says nothing about the right signature.
    const is_right = hmac(signed.slice(space + 1), 'hex') === hmac(right, 'hex');
    const now = Math.floor(Date.now() / 1000);
    return is_right && Number(signed.slice(0, 10)) >= now ? '1' : '';
}

export default { key, believed };
