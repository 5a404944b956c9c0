#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""camera_cases.py READY-FILE: what the fake camera must do, against a fleet of
five: default, modern, rsa4, lateclock, md5first. Prints ok or not ok for each."""
import base64
import datetime
import hashlib
import http.client
import json
import os
import re
import socket
import sys
import tempfile
import time
import traceback

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat)
from cryptography.x509.oid import NameOID

from camera_client import (TAS, TDS, Answer, Camera, digest, envelope, token)

FAILED = []


def check(name, got, want=True):
    if got == want:
        print('ok', name)
    else:
        FAILED.append(name)
        print('not ok', name)
        print('    got %r, wanted %r' % (got, want))


def raises(fn):
    try:
        fn()
        return False
    except (OSError, http.client.HTTPException):
        return True


def user(name, password, level='Administrator'):
    pw = '' if password is None else '<tt:Password>%s</tt:Password>' % password
    return ('<tds:User><tt:Username>%s</tt:Username>%s<tt:UserLevel>%s'
            '</tt:UserLevel></tds:User>' % (name, pw, level))


class CA:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME,
                                                  'Test CA')])
        self.cert = self.sign(self.name, self.key.public_key(), True)

    def sign(self, subject, key, ca=False, not_after=None):
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(subject)
             .issuer_name(self.name).public_key(key)
             .serial_number(x509.random_serial_number())
             .not_valid_before(now - datetime.timedelta(days=2))
             .not_valid_after(not_after or now + datetime.timedelta(days=9))
             .add_extension(x509.BasicConstraints(ca, None), True))
        return b.sign(self.key, hashes.SHA256())

    def crl(self):
        now = datetime.datetime.utcnow()
        return (x509.CertificateRevocationListBuilder()
                .issuer_name(self.name).last_update(now)
                .next_update(now + datetime.timedelta(days=1))
                .sign(self.key, hashes.SHA256()))


def b64(obj):
    return base64.b64encode(obj.public_bytes(Encoding.DER)).decode()


def sha(cert):
    return hashlib.sha256(cert.public_bytes(Encoding.DER)).hexdigest()


# ---- strictness ----

def strict(cam):
    inner = '<tds:IncludeCapability>false</tds:IncludeCapability>'
    check('a request by the book', cam.open('GetServices', inner).status, 200)
    check('a prolog with DTD is refused', cam.raw(
        '/onvif/device_service', '<!DOCTYPE x [<!ENTITY a "b">]>' +
        envelope(cam.element(TDS, 'GetSystemDateAndTime', ''))).fault(),
        'Sender/WellFormed')
    check('SOAP 1.1 is refused', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TDS, 'GetSystemDateAndTime', '')).replace(
                'www.w3.org/2003/05/soap-envelope',
                'schemas.xmlsoap.org/soap/envelope/')).fault(),
        'VersionMismatch')
    check('text/xml is no SOAP 1.2', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TDS, 'GetSystemDateAndTime', '')), media='text/xml').status, 415)
    check('an unknown element', cam.open(
        'GetServices', inner + '<tds:More>1</tds:More>').fault(),
        'Sender/TagMismatch')
    check('an element twice', cam.open('GetServices', inner * 2).fault(),
          'Sender/TagMismatch')
    check('an element missing', cam.open('GetServices').fault(), 'Sender/Tag')
    check('an element in the wrong namespace', cam.open(
        'GetServices', inner.replace('tds:', 'tt:')).fault(),
        'Sender/Namespace')
    check('a value not of its type', cam.open(
        'GetServices', inner.replace('false', 'no')).fault(),
        'Sender/InvalidArgVal')
    check('an attribute that is not allowed', cam.open(
        'GetServices', inner.replace('Capability>', 'Capability a="1">', 1))
        .fault(), 'Sender/ProhibAttr')
    check('white space around a boolean is fine', cam.open(
        'GetServices', inner.replace('false', ' 0\n')).status, 200)
    check('two children of the body', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TDS, 'GetSystemDateAndTime', '') * 2)).fault(),
        'Sender/WellFormed')
    check('an operation of the other service', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TAS, 'GetAllKeys', ''))).fault(), 'Receiver/ActionNotSupported')
    check('action of another operation', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TDS, 'GetSystemDateAndTime', '')),
        media='application/soap+xml; action="%s/GetUsers"' % TDS).fault(),
        'Sender/UnknownAction')
    check('action of this operation', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TDS, 'GetSystemDateAndTime', '')),
        media='application/soap+xml; action="%s/GetSystemDateAndTime"' % TDS)
        .status, 200)
    check('a header that must be understood', cam.raw(
        '/onvif/device_service', envelope(cam.element(
            TDS, 'GetSystemDateAndTime', ''),
            '<x:Y xmlns:x="urn:x" xmlns:e="http://www.w3.org/2003/05/'
            'soap-envelope" e:mustUnderstand="true"/>')).fault(),
        'MustUnderstand')
    check("a user's children in tds", cam.call(
        'CreateUsers', user('a', 'Longer-9').replace('tt:', 'tds:')).fault(),
        'Sender/Namespace')
    check('a user in the wrong order', cam.call(
        'CreateUsers', '<tds:User><tt:Password>Longer-9</tt:Password>'
        '<tt:Username>a</tt:Username><tt:UserLevel>User</tt:UserLevel>'
        '</tds:User>').fault(), 'Sender/Tag')
    check('an id that begins with a digit', cam.tas(
        'GetKeyStatus', '<tas:KeyID>1key</tas:KeyID>').fault(),
        'Sender/InvalidArgVal')


def http_rules(cam):
    def send(data):
        with socket.create_connection((cam.host, cam.http), 10) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            out = b''
            while True:
                more = s.recv(4096)
                if not more:
                    return out
                out += more
    body = envelope(cam.element(TDS, 'GetSystemDateAndTime', '')).encode()
    head = (b'POST /onvif/device_service HTTP/1.1\r\nHost: x\r\n'
            b'Content-Type: application/soap+xml\r\n')
    whole = head + b'Content-Length: %d\r\n\r\n' % len(body) + body
    check('keep-alive: two requests, two answers',
          send(whole * 2).count(b'HTTP/1.1 200'), 2)
    check('no Host', send(whole.replace(b'Host: x\r\n', b'')
                          ).startswith(b'HTTP/1.1 400'))
    check('chunks are not taken', send(
        head + b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n').startswith(
            b'HTTP/1.1 411'))
    check('too much is refused before it is read', send(
        head + b'Content-Length: 99999999\r\n\r\n').startswith(
            b'HTTP/1.1 413'))
    check('TLS at the plain door', send(b'\x16\x03\x01\x00\x05').startswith(
        b'HTTP/1.1 400'))
    step = max(1, len(whole) // 60)
    check('cut anywhere, nothing is done', sorted({
        bool(send(whole[:n])) for n in range(0, len(whole), step)}), [False])


def flips(cam):
    """No bit of a request brings it down, and none is taken for another."""
    path = '/onvif/device_service'
    text = envelope(cam.element(TDS, 'SetDiscoveryMode', '<tds:DiscoveryMode>'
                                'NonDiscoverable</tds:DiscoveryMode>'),
                    token('admin', 'admin')).encode()
    odd = set()
    for i in range(0, len(text), 3):
        one = bytearray(text)
        one[i] ^= 1 << (i % 8)
        a = cam.raw(path, bytes(one))
        if a.status not in (200, 400, 401, 500) or (
                a.status == 200 and a.root is None):
            odd.add((i, a.status))
    check('each flipped bit gets an answer', odd, set())
    check('and it lives', cam.open('GetSystemDateAndTime').status, 200)


# ---- logins ----

def logins(default, modern, late):
    for cam, alg in ((default, 'MD5'), (modern, 'SHA-256'), (modern, 'MD5')):
        cam.algorithm = alg
        check('%s takes %s' % (cam.name, alg),
              cam.call('GetUsers').status, 200)
        check('%s refuses a wrong password' % cam.name,
              cam.call('GetUsers', password='wrong').status, 401)
    path = '/onvif/device_service'
    users = envelope(modern.element(TDS, 'GetUsers', ''))
    first = modern.raw(path, users)
    check('two challenges', len(first.challenges()), 2)
    c = modern.pick(first)

    def go(**more):
        a = modern.raw(path, users, {'Authorization': digest(
            c, 'admin', 'admin', path, **more)})
        stale = any('stale=true' in x for x in a.challenges())
        return 'stale' if stale else a.status
    check('nc 1', go(), 200)
    check('nc 1 again is stale', go(), 'stale')
    check('nc 2', go(nc=2), 200)
    before = modern.control()['failed']
    check('a parameter that was not offered', go(nc=3, extra=', a="b"'), 401)
    check('nc in quotes', go(nc=4, quoted=True), 401)
    check('another algorithm', go(nc=5, algorithm='SHA-512'), 401)
    check('broken rules are no failed logins',
          modern.control()['failed'], before)
    check('uri of another address', modern.raw(path, users, {
        'Authorization': digest(c, 'admin', 'admin', '/other', nc=9)}).status,
        401)
    a = modern.raw(path, envelope(modern.element(TDS, 'GetUsers', ''), token(
        'admin', 'admin')), {'Authorization': digest(c, 'admin', 'admin',
                                                     path, nc=10)})
    check('both layers at once', a.status, 401)
    check('an empty request is asked who it is', modern.raw(path, '').status,
          401)
    tokens(late)
    check('the default takes tokens too', default.raw(path, envelope(
        default.element(TDS, 'GetUsers', ''), token('admin', 'admin')))
        .status, 200)


def tokens(cam):
    path = '/onvif/device_service'

    def go(**more):
        more.setdefault('offset', cam.offset)
        password = more.pop('password', 'admin')
        return cam.raw(path, envelope(cam.element(TDS, 'GetUsers', ''), token(
            'admin', password, **more))).fault() or 'good'
    check('no login is a fault with 400', (cam.open('GetUsers').status,
                                           cam.open('GetUsers').fault()),
          (400, 'Sender/NotAuthorized'))
    check('a token', go(), 'good')
    check('a wrong one', go(password='x'), 'Sender/NotAuthorized')
    check('our time instead of its', go(offset=0), 'Sender/NotAuthorized')
    check('20 s off', go(offset=cam.offset + 20), 'Sender/NotAuthorized')
    n = os.urandom(16)
    check('a nonce', go(nonce=n), 'good')
    check('the same nonce', go(nonce=n), 'Sender/NotAuthorized')
    check('a nonce of 32 bytes', go(nonce=os.urandom(32)),
          'Sender/NotAuthorized')
    now = datetime.datetime.utcnow() + datetime.timedelta(seconds=cam.offset)
    check('local time', go(created=now.strftime('%Y-%m-%dT%H:%M:%S')),
          'Sender/NotAuthorized')
    check('nanoseconds', go(created=now.strftime(
        '%Y-%m-%dT%H:%M:%S.000000000Z')), 'Sender/NotAuthorized')


def levels(cam):
    cam.call('CreateUsers', user('op', 'Operator-1', 'Operator') +
             user('us', 'Userlevel-1', 'User'))
    for who, pw in (('op', 'Operator-1'), ('us', 'Userlevel-1')):
        check(who + ' reads the identity', cam.call(
            'GetDeviceInformation', user=who, password=pw).status, 200)
        check(who + ' does not read the users', cam.call(
            'GetUsers', user=who, password=pw).status, 403)
        check(who + ' does not write', cam.call(
            'SetDiscoveryMode', '<tds:DiscoveryMode>Discoverable'
            '</tds:DiscoveryMode>', user=who, password=pw).status, 403)
        check(who + ' does not list keys', cam.tas(
            'GetAllKeys', user=who, password=pw).status, 403)
    check('deleted again', cam.call(
        'DeleteUsers', '<tds:Username>op</tds:Username>'
        '<tds:Username>us</tds:Username>').status, 200)


def lock(cam):
    for _ in range(5):
        cam.call('GetUsers', password='wrong')
    check('5 failures lock', cam.call('GetUsers').status, 401)
    check('the truth says so', cam.control()['users'][0]['locked'])
    cam.control('clock', {'advance_s': 301})
    check('for 5 minutes', cam.call('GetUsers').status, 200)
    check('failures are counted by name',
          cam.control()['failed_by_user']['admin'] >= 5)


def probe(fleet, typ, oasis=False):
    """Who answers a Probe: {serial: has MetadataVersion}."""
    d = ('http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01' if oasis else
         'http://schemas.xmlsoap.org/ws/2005/04/discovery')
    a = ('http://www.w3.org/2005/08/addressing' if oasis else
         'http://schemas.xmlsoap.org/ws/2004/08/addressing')
    text = ('<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:a="%s" xmlns:d="%s" xmlns:x="%s"><e:Header><a:MessageID>'
            'urn:uuid:1</a:MessageID><a:To>urn:d</a:To><a:Action>%s/Probe'
            '</a:Action></e:Header><e:Body><d:Probe><d:Types>x:%s</d:Types>'
            '</d:Probe></e:Body></e:Envelope>' % (a, d, typ[0], d, typ[1]))
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3)
        s.sendto(text.encode(), ('127.0.0.1', fleet['discovery']))
        try:
            while True:
                got = Answer(0, [], s.recv(65536))
                if got.one('RelatesTo') == 'urn:uuid:1':
                    name = got.one('Scopes').split('/name/')[1].split()[0]
                    found[name] = got.one('MetadataVersion') is not None
        except socket.timeout:
            return found


def discovery(fleet, default):
    device = (TDS, 'Device')
    nvt = ('http://www.onvif.org/ver10/network/wsdl',
           'NetworkVideoTransmitter')
    four = {'FC000000': True, 'FC000001': True, 'FC000002': False,
            'FC000004': True}
    check('a probe for devices', probe(fleet, device), four)
    check('for the old type', probe(fleet, nvt), four)
    check('in the edition of 2009', probe(fleet, device, True),
          {'FC000003': True})
    check('for something else', probe(fleet, (TDS, 'Printer')), {})
    check('of another namespace', probe(fleet, ('urn:x', 'Device')), {})
    default.call('SetDiscoveryMode', '<tds:DiscoveryMode>NonDiscoverable'
                 '</tds:DiscoveryMode>')
    check('who is not discoverable is silent',
          'FC000000' in probe(fleet, device), False)


# ---- accounts ----

def accounts(cam):
    def create(*users):
        return cam.call('CreateUsers', ''.join(users)).fault()
    check('clash', create(user('admin', 'Longer-99')),
          'Sender/OperationProhibited/UsernameClash')
    check('twice in one', create(user('a', 'Longer-99'), user(
        'a', 'Longer-99')), 'Sender/OperationProhibited/UsernameClash')
    check('name too long', create(user('a' * 33, 'Longer-99')),
          'Sender/OperationProhibited/UsernameTooLong')
    check('name too short', create(user('', 'Longer-99')),
          'Sender/OperationProhibited/UsernameTooShort')
    check('password too long', create(user('a', 'L' * 65)),
          'Sender/OperationProhibited/PasswordTooLong')
    check('password too weak', create(user('a', 'short')),
          'Sender/OperationProhibited/Password')
    check('anonymous', create(user('a', 'Longer-99', 'Anonymous')),
          'Sender/OperationProhibited/AnonymousNotAllowed')
    check('too many', create(*[user('n%d' % i, 'Longer-99')
                               for i in range(8)]),
          'Receiver/Action/TooManyUsers')
    check('all or nothing', create(user('good', 'Longer-99'), user(
        'bad', 'x')), 'Sender/OperationProhibited/Password')
    check('nothing', len(cam.control()['users']), 1)
    check('set an unknown one', cam.call('SetUser', user(
        'nobody', 'Longer-99')).fault(),
        'Sender/InvalidArgVal/UsernameMissing')
    check('set has its own word for weak', cam.call('SetUser', user(
        'admin', 'x')).fault(), 'Sender/OperationProhibited/PasswordTooWeak')
    check('set without a password', cam.call('SetUser', user(
        'admin', None)).fault(), 'Sender/OperationProhibited/PasswordTooWeak')
    check('set', cam.call('SetUser', user('admin', 'New &lt;Pass&gt; 1'))
          .status, 200)
    check('the old one fails', cam.call('GetUsers').status, 401)
    cam.password = 'New <Pass> 1'
    check('the new one works', cam.call('GetUsers').status, 200)
    check('on the web', cam.login('/web/login'), 200)
    check('and for RTSP', cam.login('/rtsp/describe'), 200)
    check('and for the video', cam.rtsp('admin', cam.password), 200)
    check('the level is what was sent', cam.call('SetUser', user(
        'admin', 'Back-to-1', 'Administrator')).status, 200)
    cam.password = 'Back-to-1'
    check('the last administrator stays', cam.call(
        'DeleteUsers', '<tds:Username>admin</tds:Username>').fault(),
        'Sender/InvalidArgVal/FixedUser')
    check('delete an unknown one', cam.call(
        'DeleteUsers', '<tds:Username>x</tds:Username>').fault(),
        'Sender/InvalidArgVal/UsernameMissing')
    check('passwords in clear are counted',
          cam.control()['clear_passwords'] > 0)


# ---- keystore ----

def video(cams):
    """The RTSP door: RFC 2326, HTTP's Digest."""
    for cam in cams:
        for algorithm in 'MD5', 'SHA-256':
            cam.algorithm = algorithm
            check('%s: video, %s' % (cam.name, algorithm),
                  cam.rtsp('admin', cam.password), 200)
    cam = cams[0]
    failed = cam.control()['failed']
    check('video without a login', cam.rtsp(), 401)
    check('video, wrong password', cam.rtsp('admin', 'wrong'), 401)
    check('video, nobody', cam.rtsp('nobody', 'wrong'), 401)
    check('these are counted', cam.control()['failed'] - failed, 2)
    check('uri of a path alone', cam.rtsp('admin', cam.password,
                                          uri='/stream1'), 401)
    check('no such stream', cam.rtsp('admin', cam.password, path='/other'),
          404)
    check('options are for everybody', cam.rtsp(method='OPTIONS'), 200)
    check('nothing is played', cam.rtsp('admin', cam.password,
                                        method='PLAY'), 501)
    check('another version', cam.rtsp(version='2.0'), 505)
    check('not RTSP', cam.rtsp(version='9'), 400)
    check('a field that is none', cam.rtsp(extra='what\r\n'), 400)
    check('a name in the URL', cam.rtsp(path='/a@b'), 400)
    check('off and on', [cam.call('SetNetworkProtocols', protocol(
        'RTSP', cam.rtsp_port, on)).status for on in ('false', 'true')],
        [200, 200])


def hashing(cam, modern, default):
    """SetHashingAlgorithm: what is in use stands in the challenges alone."""
    def algorithms(c):
        return sorted(re.search('algorithm=([^,]*)', s).group(1)
                      for s in c.open('GetUsers').challenges())

    def choose(c, text):
        return c.call('SetHashingAlgorithm', '<tds:Algorithm>%s'
                      '</tds:Algorithm>' % text)
    check('SHA-256 is told of', cam.open('GetServiceCapabilities').root.find(
        './/{*}Security').get('HashingAlgorithms'), 'MD5 SHA-256')
    check('and off', algorithms(cam), ['MD5'])
    check('not without a login', cam.open(
        'SetHashingAlgorithm', '<tds:Algorithm>MD5</tds:Algorithm>').status,
        401)
    check('no such digest', choose(cam, 'SHA-3').fault(),
          'Sender/InvalidArgVal')
    check('none at all', choose(cam, '').fault(), 'Sender/InvalidArgVal')
    check('it cannot be chosen there', choose(default, 'MD5').fault(),
          'Receiver/ActionNotSupported')
    check('both', (choose(cam, 'MD5 SHA-256').status, algorithms(cam)),
          (200, ['MD5', 'SHA-256']))
    for algorithm in 'MD5', 'SHA-256':
        cam.algorithm = algorithm
        check('a login, ' + algorithm, cam.call('GetUsers').status, 200)
        check('the video, ' + algorithm, cam.rtsp('admin', 'admin'), 200)
    check('SHA-256 alone', (choose(cam, 'SHA-256').status, algorithms(cam)),
          (200, ['SHA-256']))
    check('back, with a comma', (choose(cam, 'MD5,SHA-256').status,
                                 algorithms(cam)), (200, ['MD5', 'SHA-256']))
    check('MD5', (choose(cam, 'MD5').status, algorithms(cam)),
          (200, ['MD5']))
    check('on from the factory', algorithms(modern), ['MD5', 'SHA-256'])


def protocol(name, port, on):
    return ('<tds:NetworkProtocols><tt:Name>%s</tt:Name><tt:Enabled>%s'
            '</tt:Enabled><tt:Port>%s</tt:Port></tds:NetworkProtocols>' %
            (name, on, port))


def wait_key(cam, key):
    for _ in range(400):
        s = cam.tas('GetKeyStatus', '<tas:KeyID>%s</tas:KeyID>' % key).one(
            'KeyStatus')
        if s != 'generating':
            return s
        time.sleep(0.05)
    return s


def new_key(cam, rsa=None):
    if rsa:
        a = cam.tas('CreateRSAKeyPair', '<tas:KeyLength>%d</tas:KeyLength>'
                    '<tas:Alias>k</tas:Alias>' % rsa)
    else:
        a = cam.tas('CreateECCKeyPair', '<tas:EllipticCurve>secp256r1'
                    '</tas:EllipticCurve><tas:Alias>k</tas:Alias>')
    return a.one('KeyID')


def csr_body(key, alg='1.2.840.10045.4.3.2', subject=None):
    san = x509.SubjectAlternativeName([x509.DNSName('cam.example')])
    der = base64.b64encode(san.public_bytes()).decode()
    return ('<tas:Subject>%s</tas:Subject><tas:KeyID>%s</tas:KeyID>'
            '<tas:CSRAttribute><tas:X509v3Extension><tas:extnOID>2.5.29.17'
            '</tas:extnOID><tas:critical>false</tas:critical><tas:extnValue>'
            '%s</tas:extnValue></tas:X509v3Extension></tas:CSRAttribute>'
            '<tas:SignatureAlgorithm><tas:algorithm>%s</tas:algorithm>'
            '</tas:SignatureAlgorithm>' % (
                subject or '<tas:Country>VN</tas:Country><tas:Organization>O'
                '</tas:Organization><tas:CommonName>cam-1</tas:CommonName>'
                '<tas:SerialNumber>S1</tas:SerialNumber>', key, der, alg))


def csr(cam, key, **more):
    a = cam.tas('CreatePKCS10CSR', csr_body(key, **more))
    text = a.one('PKCS10CSR')
    if text is None:
        return a.fault()
    return x509.load_der_x509_csr(base64.b64decode(text))


def upload(cam, cert, private=False):
    return cam.tas('UploadCertificate', '<tas:Certificate>%s</tas:Certificate>'
                   '<tas:Alias>c</tas:Alias><tas:KeyAlias>ck</tas:KeyAlias>'
                   '<tas:PrivateKeyRequired>%s</tas:PrivateKeyRequired>' % (
                       b64(cert), 'true' if private else 'false'))


def path(cam, *ids):
    return cam.tas('CreateCertificationPath', '<tas:CertificateIDs>%s'
                   '</tas:CertificateIDs><tas:Alias>p</tas:Alias>' % ''.join(
                       '<tas:CertificateID>%s</tas:CertificateID>' % i
                       for i in ids))


def by_id(cam, op, kind, value):
    return cam.tas(op, '<tas:%s>%s</tas:%s>' % (kind, value, kind)).fault()


def install(cam, ca, ca_id, rsa=None):
    key = new_key(cam, rsa)
    wait_key(cam, key)
    req = csr(cam, key, alg='1.2.840.113549.1.1.11' if rsa else
              '1.2.840.10045.4.3.2')
    leaf = ca.sign(req.subject, req.public_key())
    cert = upload(cam, leaf, True).one('CertificateID')
    return key, leaf, cert, path(cam, cert, ca_id).one('CertificationPathID')


def keystore(cam, ca):
    key = new_key(cam)
    check('the id is a name', key[0].isalpha())
    check('a key is made beside', cam.tas(
        'GetKeyStatus', '<tas:KeyID>%s</tas:KeyID>' % key).one('KeyStatus'),
        'generating')
    check('no request before it is there', csr(cam, key),
          'Sender/InvalidArgVal/InvalidKeyStatus')
    check('then it is ok', wait_key(cam, key), 'ok')
    check('a length that it has not', cam.tas(
        'CreateRSAKeyPair', '<tas:KeyLength>1024</tas:KeyLength>').fault(),
        'Sender/InvalidArgVal/KeyLength')
    check('a curve that it has not', cam.tas(
        'CreateECCKeyPair', '<tas:EllipticCurve>P-256</tas:EllipticCurve>')
        .fault(), 'Sender/InvalidArgVal/UnsupportedEllipticCurve')
    check('CN before O', csr(cam, key, subject='<tas:CommonName>a'
                             '</tas:CommonName><tas:Organization>b'
                             '</tas:Organization>'), 'Sender/TagMismatch')
    check('a country of three letters', csr(
        cam, key, subject='<tas:Country>VNM</tas:Country>'),
        'Sender/InvalidArgVal/InvalidSubject')
    check('RSA for an EC key', csr(cam, key, alg='1.2.840.113549.1.1.11'),
          'Sender/InvalidArgVal/KeySignatureAlgorithmMismatch')
    check('SHA-1', csr(cam, key, alg='1.2.840.10045.4.1'),
          'Sender/InvalidArgVal/UnsupportedSignatureAlgorithm')
    check('no such key', csr(cam, 'nobody'), 'Sender/InvalidArgVal/KeyID')
    req = csr(cam, key)
    check('the CSR is signed by its key', req.is_signature_valid)
    check('the subject is the one asked for', req.subject.rfc4514_string(),
          '2.5.4.5=S1,CN=cam-1,O=O,C=VN')
    check('the SAN too', req.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName),
        ['cam.example'])
    leaf = ca.sign(req.subject, req.public_key(),
                   not_after=datetime.datetime.utcnow() -
                   datetime.timedelta(days=1))
    check('a leaf of a key that is not here', upload(
        cam, ca.sign(ca.name, ec.generate_private_key(
            ec.SECP256R1()).public_key()), True).fault(),
        'Receiver/Action/NoMatchingPrivateKey')
    check('no certificate at all', cam.tas(
        'UploadCertificate', '<tas:Certificate>AAAA</tas:Certificate>')
        .fault(), 'Sender/InvalidArgVal/BadCertificate')
    ca_id = upload(cam, ca.cert).one('CertificateID')
    check('a CA certificate brings its public key',
          [k['private'] for k in cam.control()['keys']].count(False), 1)
    check('the same again', upload(cam, ca.cert).fault(),
          'Sender/InvalidArgVal/Duplicate')
    leaf_id = upload(cam, leaf, True).one('CertificateID')
    check('dates are not looked at', leaf_id is not None)
    check('the key is in use', by_id(cam, 'DeleteKey', 'KeyID', key),
          'Sender/InvalidArgVal/ReferenceExists')
    check('a path in the wrong order', path(cam, ca_id, leaf_id).fault(),
          'Sender/InvalidArgVal/InvalidCertificationPath')
    check('a path of nothing', path(cam, 'nobody').fault(),
          'Sender/InvalidArgVal/CertificateID')
    p = path(cam, leaf_id, ca_id).one('CertificationPathID')
    bare = path(cam, ca_id).one('CertificationPathID')
    listed(cam, leaf, leaf_id, ca_id, p)
    assign(cam, ca, key, leaf, leaf_id, ca_id, p, bare)


def listed(cam, leaf, leaf_id, ca_id, p):
    check('all keys', 'k' in cam.tas('GetAllKeys').all('Alias'))
    check('all certificates', {leaf_id, ca_id} <= set(
        cam.tas('GetAllCertificates').all('CertificateID')))
    a = cam.tas('GetCertificate', '<tas:CertificateID>%s</tas:CertificateID>'
                % leaf_id)
    check('one, with line breaks in its base64', (
        '\n' in a.one('CertificateContent'), base64.b64decode(
            a.one('CertificateContent')) == leaf.public_bytes(Encoding.DER),
        a.one('HasPrivateKey')), (True, True, 'true'))
    check('all paths', p in cam.tas('GetAllCertificationPaths').all(
        'CertificationPathID'))
    check('one, leaf first', cam.tas(
        'GetCertificationPath', '<tas:CertificationPathID>%s'
        '</tas:CertificationPathID>' % p).all('CertificateID'),
        [leaf_id, ca_id])
    check('none of that id', by_id(cam, 'GetCertificationPath',
                                   'CertificationPathID', 'nobody'),
          'Sender/InvalidArgVal/CertificationPathID')
    check('nor such a certificate', by_id(cam, 'GetCertificate',
                                          'CertificateID', 'nobody'),
          'Sender/InvalidArgVal/CertificateID')


def replace(cam, old, new):
    return cam.tas('ReplaceServerCertificateAssignment',
                   '<tas:OldCertificationPathID>%s'
                   '</tas:OldCertificationPathID>'
                   '<tas:NewCertificationPathID>%s'
                   '</tas:NewCertificationPathID>' % (old, new)).fault()


def assign(cam, ca, key, leaf, leaf_id, ca_id, p, bare):
    old = cam.tas('GetAssignedServerCertificates').one('CertificationPathID')
    factory = cam.leaf()
    check('the factory identity is served',
          factory, cam.control()['factory'])
    check('no private key, no TLS', replace(cam, old, bare),
          'Sender/InvalidArgVal/NoPrivateKey')
    check('replace what is not assigned', replace(cam, p, p),
          'Sender/InvalidArgVal/OldCertificationPathID')
    check('by what does not exist', replace(cam, old, 'nobody'),
          'Sender/InvalidArgVal/NewCertificationPathID')
    check('a second one does not fit', by_id(
        cam, 'AddServerCertificateAssignment', 'CertificationPathID', p),
        'Receiver/Action/MaximumNumberOfTLSCertificationPathsReached')
    check('not taken away while TLS is on', by_id(
        cam, 'RemoveServerCertificateAssignment', 'CertificationPathID', old),
        'Sender/InvalidArgVal/ReferenceExists')
    check('still the factory', cam.leaf(), factory)
    check('replaced', replace(cam, old, p), '')
    check('the new leaf is served', cam.leaf(), sha(leaf))
    check('the truth agrees', cam.control()['served'], sha(leaf))
    cam.tls = True
    check('logins go by TLS', cam.call('GetUsers').status, 200)
    check('an assigned path stays', by_id(
        cam, 'DeleteCertificationPath', 'CertificationPathID', p),
        'Sender/InvalidArgVal/ReferenceExists')
    check('a certificate of a path stays', by_id(
        cam, 'DeleteCertificate', 'CertificateID', leaf_id),
        'Sender/InvalidArgVal/ReferenceExists')
    check('back to the old path', replace(cam, p, old), '')
    check('and its leaf', cam.leaf(), factory)
    collect(cam, key, leaf_id, ca_id, p, bare)
    cam.tls = False


def collect(cam, key, leaf_id, ca_id, p, bare):
    check('in order: path', by_id(cam, 'DeleteCertificationPath',
                                  'CertificationPathID', p), '')
    by_id(cam, 'DeleteCertificationPath', 'CertificationPathID', bare)
    check('certificate', by_id(cam, 'DeleteCertificate', 'CertificateID',
                               leaf_id), '')
    gone = key not in [k['id'] for k in cam.control()['keys']]
    check('AutoDeleteKey', gone, cam.name == 'modern')
    check('key, gone or not', by_id(cam, 'DeleteKey', 'KeyID', key), '')
    check('a key that never was', by_id(cam, 'DeleteKey', 'KeyID', 'nobody'),
          'Sender/InvalidArgVal/KeyID')
    by_id(cam, 'DeleteCertificate', 'CertificateID', ca_id)
    left = cam.control()
    for k in left['keys']:
        if not k['private']:
            by_id(cam, 'DeleteKey', 'KeyID', k['id'])
    check('all is as before', [len(cam.control()[x])
                               for x in ('keys', 'certs', 'paths')],
          [1, 1, 1])


def small(cam, ca):
    check('no curves', cam.tas('CreateECCKeyPair', '<tas:EllipticCurve>'
                               'secp256r1</tas:EllipticCurve>').fault(),
          'Receiver/ActionNotSupported')
    caps = cam.open('GetServiceCapabilities', ns=TAS).body.decode()
    check('the old spelling', ('RSAKeyPairGeneration="true"' in caps,
                               'KeyPairGeneration="RSA' in caps),
          (True, False))
    https = ('<tds:NetworkProtocols><tt:Name>HTTPS</tt:Name><tt:Enabled>true'
             '</tt:Enabled><tt:Port>%d</tt:Port></tds:NetworkProtocols>')
    check('TLS is shut', raises(cam.leaf))
    check('TLS without a certificate', cam.call(
        'SetNetworkProtocols', https % cam.https).fault(),
        'Receiver/ActionNotSupported/EnablingTlsFailed')
    check('another port', cam.call('SetNetworkProtocols', https % 4).fault(),
          'Sender/InvalidArgVal/PortAlreadyInUse')
    ca_id = upload(cam, ca.cert).one('CertificateID')
    key, leaf, cert, p = install(cam, ca, ca_id, 2048)
    check('first install: add', by_id(
        cam, 'AddServerCertificateAssignment', 'CertificationPathID', p), '')
    check('then TLS', cam.call('SetNetworkProtocols', https % cam.https)
          .fault(), '')
    time.sleep(0.1)
    check('the leaf is served', cam.leaf(), sha(leaf))
    key2, leaf2, cert2, p2 = install(cam, ca, ca_id, 2048)
    check('the third path does not fit', path(cam, cert2).fault(),
          'Receiver/Action/MaximumNumberOfCertificationPathsReached')
    new_key(cam, 2048)
    check('the fifth key does not fit', cam.tas(
        'CreateRSAKeyPair', '<tas:KeyLength>2048</tas:KeyLength>').fault(),
        'Receiver/Action/MaximumNumberOfKeysReached')
    check('renewed', (replace(cam, p, p2), cam.leaf()), ('', sha(leaf2)))
    cam.tls = True
    http_off = ('<tds:NetworkProtocols><tt:Name>HTTP</tt:Name><tt:Enabled>'
                'false</tt:Enabled><tt:Port>%d</tt:Port>'
                '</tds:NetworkProtocols>' % cam.http)
    check('HTTP off', cam.call('SetNetworkProtocols', http_off).status, 200)
    time.sleep(0.1)
    cam.tls = False
    check('it is shut', raises(lambda: cam.open('GetSystemDateAndTime')))
    cam.tls = True
    check('not both', cam.call('SetNetworkProtocols', (
        https % cam.https).replace('true', 'false')).fault(),
        'Sender/InvalidArgVal/ServiceNotSupported')
    check('HTTP on', cam.call('SetNetworkProtocols', http_off.replace(
        'false', 'true')).status, 200)
    time.sleep(0.1)
    cam.tls = False
    check('TLS off', cam.call('SetNetworkProtocols', (
        https % cam.https).replace('true', 'false')).status, 200)
    check('then the assignment goes', by_id(
        cam, 'RemoveServerCertificateAssignment', 'CertificationPathID', p2),
        '')
    check('not twice', by_id(
        cam, 'RemoveServerCertificateAssignment', 'CertificationPathID', p2),
        'Sender/InvalidArgVal/OldCertificationPathID')


def crls(cam, ca):
    crl = b64(ca.crl())

    def up():
        return cam.tas('UploadCRL', '<tas:Crl>%s</tas:Crl><tas:Alias>l'
                       '</tas:Alias>' % crl)
    check('no CRL', cam.tas('UploadCRL', '<tas:Crl>AAAA</tas:Crl>').fault(),
          'Sender/InvalidArgVal/BadCRL')
    first, second = up().one('CrlID'), up().one('CrlID')
    check('two fit', bool(first and second))
    check('a third does not', up().fault(),
          'Receiver/Action/MaximumNumberOfCRLsReached')
    check('read back', cam.tas('GetCRL', '<tas:CrlID>%s</tas:CrlID>' % first)
          .one('CRLID'), first)
    check('both are listed', len(cam.tas('GetAllCRLs').all('CRLID')), 2)
    check('deleted', by_id(cam, 'DeleteCRL', 'CrlID', first), '')
    check('not twice', by_id(cam, 'DeleteCRL', 'CrlID', first),
          'Sender/InvalidArgVal/CRLID')
    by_id(cam, 'DeleteCRL', 'CrlID', second)


def with_certificate(cam, ca, name):
    """From now on the client shows a certificate of that CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    cert = ca.sign(x509.Name([x509.NameAttribute(
        NameOID.COMMON_NAME, name)]), key.public_key())
    with tempfile.NamedTemporaryFile() as f:
        f.write(key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        f.write(cert.public_bytes(Encoding.PEM))
        f.flush()
        cam.context.load_cert_chain(f.name)


def by_certificate(cam, ca):
    """A client certificate of the trust anchor gets in; mapped to a user it
    needs no password."""
    with_certificate(cam, ca, 'admin')
    check('with one it lets in', cam.open('GetSystemDateAndTime').status, 200)
    check('the login is still due', cam.open('GetUsers').status, 401)
    cam.tas('SetCnMapsToUser', '<tas:cnMapsToUser>true</tas:cnMapsToUser>')
    check('CnMapsToUser', cam.open('GetUsers').status, 200)
    cam.context = type(cam)(cam.fleet, cam.n).context


def policies(cam, ca):
    ca_id = upload(cam, ca.cert).one('CertificateID')
    need = ('<tas:clientAuthenticationRequired>true'
            '</tas:clientAuthenticationRequired>')
    check('client certificates need a policy', cam.tas(
        'SetClientAuthenticationRequired', need).fault(),
        'Receiver/ActionNotSupported/EnablingClientAuthenticationFailed')
    params = '<tas:Parameters/><tas:TrustAnchor>%s</tas:TrustAnchor>'
    check('an anchor that is not there', cam.tas(
        'CreateCertPathValidationPolicy', params % '<tas:CertificateID>x'
        '</tas:CertificateID>').fault(), 'Sender/InvalidArgVal/CertificateID')
    p = cam.tas('CreateCertPathValidationPolicy', params % (
        '<tas:CertificateID>%s</tas:CertificateID>' % ca_id)).one(
            'CertPathValidationPolicyID')
    cam.tas('GetAllCertPathValidationPolicies')
    cam.tas('GetCertPathValidationPolicy', '<tas:CertPathValidationPolicyID>'
            '%s</tas:CertPathValidationPolicyID>' % p)
    check('assigned', by_id(cam, 'AddCertPathValidationPolicyAssignment',
                            'CertPathValidationPolicyID', p), '')
    q = cam.tas('CreateCertPathValidationPolicy', params % (
        '<tas:CertificateID>%s</tas:CertificateID>' % ca_id)).one(
            'CertPathValidationPolicyID')

    def swap(old, new):
        return cam.tas(
            'ReplaceCertPathValidationPolicyAssignment',
            '<tas:OldCertPathValidationPolicyID>%s'
            '</tas:OldCertPathValidationPolicyID>'
            '<tas:NewCertPathValidationPolicyID>%s'
            '</tas:NewCertPathValidationPolicyID>' % (old, new)).fault()
    check('replaced by another', (swap(p, q), swap(q, p)), ('', ''))
    check('what is not assigned is not replaced', swap(q, p),
          'Sender/InvalidArgVal/OldCertPathValidationPolicyID')
    by_id(cam, 'DeleteCertPathValidationPolicy', 'CertPathValidationPolicyID',
          q)
    check('its anchor stays', by_id(cam, 'DeleteCertificate', 'CertificateID',
                                    ca_id),
          'Sender/InvalidArgVal/ReferenceExists')
    check('it stays', by_id(cam, 'DeleteCertPathValidationPolicy',
                            'CertPathValidationPolicyID', p),
          'Sender/InvalidArgVal/ReferenceExists')
    check('then they can be demanded', cam.tas(
        'SetClientAuthenticationRequired', need).status, 200)
    cam.tls = True
    check('without one nobody gets in', raises(
        lambda: cam.open('GetSystemDateAndTime')))
    by_certificate(cam, ca)
    cam.tls = False
    cam.tas('GetClientAuthenticationRequired')
    cam.tas('GetAssignedCertPathValidationPolicies')
    cam.tas('SetClientAuthenticationRequired', need.replace('true', 'false'))
    check('taken away', by_id(cam, 'RemoveCertPathValidationPolicyAssignment',
                              'CertPathValidationPolicyID', p), '')
    by_id(cam, 'DeleteCertPathValidationPolicy', 'CertPathValidationPolicyID',
          p)
    cam.tas('SetCnMapsToUser', '<tas:cnMapsToUser>false</tas:cnMapsToUser>')
    cam.tas('GetCnMapsToUser')
    by_id(cam, 'DeleteCertificate', 'CertificateID', ca_id)


# ---- the rest of the device service ----

def device(cam):
    def set_time(kind, utc=''):
        return cam.call('SetSystemDateAndTime', '<tds:DateTimeType>%s'
                        '</tds:DateTimeType><tds:DaylightSavings>false'
                        '</tds:DaylightSavings>%s' % (kind, utc)).fault()
    utc = ('<tds:UTCDateTime><tt:Time><tt:Hour>1</tt:Hour><tt:Minute>2'
           '</tt:Minute><tt:Second>3</tt:Second></tt:Time><tt:Date><tt:Year>%d'
           '</tt:Year><tt:Month>2</tt:Month><tt:Day>%d</tt:Day></tt:Date>'
           '</tds:UTCDateTime>')
    check('NTP without a server', set_time('NTP'),
          'Sender/InvalidArgVal/NtpServerUndefined')
    check('a day that is none', set_time('Manual', utc % (2026, 30)),
          'Sender/InvalidArgVal/InvalidDateTime')
    check('no time at all', set_time('Manual'),
          'Sender/InvalidArgVal/InvalidDateTime')
    check('set by hand', set_time('Manual', utc % (2031, 5)), '')
    check('it is that time', cam.open('GetSystemDateAndTime').one('Year'),
          '2031')
    check('a server', cam.call('SetNTP', '<tds:FromDHCP>false</tds:FromDHCP>'
                               '<tds:NTPManual><tt:Type>DNS</tt:Type>'
                               '<tt:DNSname>ntp.example</tt:DNSname>'
                               '</tds:NTPManual>').status, 200)
    check('is read back', cam.call('GetNTP').one('DNSname'), 'ntp.example')
    check('NTP', (set_time('NTP'), cam.control()['offset_s']), ('', 0))
    for op in ('GetServiceCapabilities', 'GetScopes', 'GetEndpointReference',
               'GetDiscoveryMode', 'GetNetworkProtocols',
               'GetPasswordComplexityOptions',
               'GetPasswordComplexityConfiguration'):
        check(op, cam.call(op).status, 200)
    check('rules for passwords', cam.call(
        'SetPasswordComplexityConfiguration', '<tds:MinLen>12</tds:MinLen>')
        .status, 200)
    check('not discoverable', (cam.call(
        'SetDiscoveryMode', '<tds:DiscoveryMode>NonDiscoverable'
        '</tds:DiscoveryMode>').status, cam.control()['discoverable']),
        (200, False))


def power(cam):
    check('restart', cam.call('SystemReboot').status, 200)
    time.sleep(0.05)
    check('nobody is there', raises(lambda: cam.open('GetSystemDateAndTime')))
    check('then it is back', back(cam), 200)
    cam.control('power', {'off_ms': -1})
    time.sleep(0.1)
    check('power off', raises(lambda: cam.open('GetSystemDateAndTime')))
    cam.control('power', {'off_ms': 0})
    check('power on', back(cam), 200)
    cam.call('SetUser', user('admin', 'Different-1!'))
    check('factory default', cam.call(
        'SetSystemFactoryDefault', '<tds:FactoryDefault>Hard'
        '</tds:FactoryDefault>', password='Different-1!').status, 200)
    back(cam)
    check('the first password works', cam.call('GetUsers').status, 200)


def back(cam):
    for _ in range(100):
        try:
            return cam.open('GetSystemDateAndTime').status
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
    return None


def main():
    with open(sys.argv[1]) as f:
        fleet = json.loads(f.readline())
    cams = []
    for n, c in enumerate(fleet['cameras']):
        cams.append(Camera(fleet, n))
        cams[-1].name = c['persona']
    default, modern, rsa4, late, first = cams
    late.offset = -2 * 365 * 86400
    ca = CA()
    for name, run in (
            ('strict', lambda: strict(default)),
            ('http', lambda: http_rules(default)),
            ('discovery', lambda: discovery(fleet, default)),
            ('flips', lambda: flips(default)),
            ('logins', lambda: logins(default, modern, late)),
            ('levels', lambda: levels(modern)),
            ('lock', lambda: lock(modern)),
            ('hashing', lambda: hashing(first, modern, default)),
            ('video', lambda: video(cams)),
            ('accounts', lambda: accounts(default)),
            ('keystore', lambda: keystore(default, ca)),
            ('modern keystore', lambda: keystore(modern, ca)),
            ('small', lambda: small(rsa4, ca)),
            ('crls', lambda: crls(default, ca)),
            ('policies', lambda: policies(default, ca)),
            ('device', lambda: device(modern)),
            ('power', lambda: power(modern))):
        try:
            run()
        except Exception:
            FAILED.append(name)
            print('not ok', name)
            traceback.print_exc(file=sys.stdout)
    check('no message of ours was invalid by mistake',
          late.control()['invalid'], 0)
    return 1 if FAILED else 0


if __name__ == '__main__':
    sys.exit(main())
