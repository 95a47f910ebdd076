// What nginx cannot work out by itself: the key that djanginxed stores a page under,
// whether a group's cookie is signed, and what a whole response that is stored says.
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

// Answers the entry that the location below has. What is not a response as the
// application stores it is a miss, for which the server in front asks the application.
async function page(r) {
    let found;
    try {
        const reply = await r.subrequest(`${r.uri}/entry`, { args: r.variables.args });
        found = reply.status === 200 ? taken_apart(reply.responseBuffer) : null;
    } catch (e) {
        found = null;
    }
    if (!found) {
        r.return(502);
        return;
    }
    if (found.status === 200 && is_known(r.headersIn, found.fields)) {
        found.status = 304;
        ['content-type', 'content-encoding'].forEach(name => delete found.fields[name]);
        found.text = '';
    } else if (found.fields['content-encoding'] === 'gzip') {
        leave_to_nginx(found.fields);
    }
    Object.keys(found.fields).forEach(name => r.headersOut[name] = found.fields[name]);
    if (found.text === undefined) {
        r.return(found.status, found.body);
        return;
    }
    r.status = found.status;
    if (found.status !== 304) {
        r.headersOut['Content-Length'] = String(found.body.length);
    }
    r.sendHeader();
    if (r.method !== 'HEAD' && found.text) {
        r.send(found.text);
    }
    r.finish();
}

// The server in front may unpack what is in gzip, and says so itself in Vary. Of 304 it
// does not.
function leave_to_nginx(fields) {
    const vary = [].concat(fields.vary || []);
    const others = vary.filter(value => value.toLowerCase() !== 'accept-encoding');
    if (others.length > 0) {
        fields.vary = others;
    } else {
        delete fields.vary;
    }
}

const MOST_FIELDS = 128;
const MOST_OF_A_HEAD = 65536;

// Statuses without a body, and those by which nginx says that there is no page.
const NEVER = [204, 205, 206, 304, 418, 500, 502, 504];

const STATUS = /^HTTP\/1\.1 ([2-5][0-9][0-9]) [\t -~]*$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)$/;

// Those of one connection or one visitor, of nginx, and what speaks to it.
const FORBIDDEN = new RegExp('^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|' +
    'upgrade|content-length|date|age|set-cookie2?|cdn-cache-control|' +
    'surrogate-control|x-accel-.*)$');

// Of these r.return() would take the body for where they lead to.
const REDIRECTS = [301, 302, 303, 307, 308];

// nginx has room for one of each.
const ONCE = /^(content-encoding|content-type|etag|expires|last-modified|location|retry-after)$/;

function taken_apart(entry) {
    const end = entry.slice(0, MOST_OF_A_HEAD).indexOf('\r\n\r\n');
    if (end < 0) {
        return null;
    }
    const head = as_text(entry.slice(0, end));
    if (head === null) {
        return null;
    }
    const lines = head.split('\r\n');
    const status = STATUS.exec(lines[0]);
    if (!status || NEVER.includes(Number(status[1])) || lines.length > MOST_FIELDS + 1) {
        return null;
    }
    const fields = {};
    for (let i = 1; i < lines.length; i++) {
        const field = FIELD.exec(lines[i]);
        if (!field) {
            return null;
        }
        const name = field[1].toLowerCase();
        // What every object has ("constructor") would be lost in those below.
        if (name in Object.prototype || FORBIDDEN.test(name)) {
            return null;
        }
        if (name === 'x-srcache-allow-ranges') {
            continue;
        }
        if (fields[name] === undefined) {
            fields[name] = field[2];
        } else if (ONCE.test(name)) {
            return null;
        } else {
            fields[name] = [].concat(fields[name], field[2]);
        }
    }
    const found = { status: Number(status[1]), fields, body: entry.slice(end + 4) };
    // r.return() has pages of nginx's own for no body, and r.send() takes text alone.
    if (found.body.length === 0 || REDIRECTS.includes(found.status)) {
        found.text = as_text(found.body);
        return found.text === null ? null : found;
    }
    return found;
}

// Whether who asks has the page already (RFC 9110, section 13.2.2). Tags are compared
// weakly; a date counts where no tag is named, and one that is later will do as well.
function is_known(asked, fields) {
    const tags = asked['If-None-Match'];
    if (tags !== undefined) {
        const own = opaque(fields.etag || '');
        const named = tags.match(/(W\/)?"[^"]*"/g) || [];
        return tags.trim() === '*' || own !== '' && named.some(tag => opaque(tag) === own);
    }
    const since = asked['If-Modified-Since'];
    const own = fields['last-modified'];
    return DATE.test(since) && DATE.test(own) && Date.parse(own) <= Date.parse(since);
}

const DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

function opaque(tag) {
    return tag.startsWith('W/') ? tag.slice(2) : tag;
}

// What is no UTF-8 would become other characters.
function as_text(bytes) {
    const text = bytes.toString();
    return Buffer.from(text).equals(bytes) ? text : null;
}

export default { key, believed, page };
