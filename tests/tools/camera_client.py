# SPDX-License-Identifier: Apache-2.0
"""A client for ONVIF cameras that shares no code with the product: plain
sockets, its own Digest and UsernameToken. For the tests of the fake camera."""
import base64
import datetime
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import xml.etree.ElementTree as ET

ENV = 'http://www.w3.org/2003/05/soap-envelope'
TDS = 'http://www.onvif.org/ver10/device/wsdl'
TAS = 'http://www.onvif.org/ver10/advancedsecurity/wsdl'
TT = 'http://www.onvif.org/ver10/schema'
WSSE = ('http://docs.oasis-open.org/wss/2004/01/'
        'oasis-200401-wss-wssecurity-secext-1.0.xsd')
WSU = ('http://docs.oasis-open.org/wss/2004/01/'
       'oasis-200401-wss-wssecurity-utility-1.0.xsd')
DIGEST = ('http://docs.oasis-open.org/wss/2004/01/'
          'oasis-200401-wss-username-token-profile-1.0#PasswordDigest')
BASE64 = ('http://docs.oasis-open.org/wss/2004/01/'
          'oasis-200401-wss-soap-message-security-1.0#Base64Binary')
MEDIA = 'application/soap+xml; charset=utf-8'


def local(tag):
    return tag.rsplit('}', 1)[-1]


class Answer:
    """Status, fields and what is in the body."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body
        self.root = None
        try:
            self.root = ET.fromstring(body)
        except ET.ParseError:
            pass

    def challenges(self):
        return [v for k, v in self.fields if k.lower() == 'www-authenticate']

    def fault(self):
        """"Sender/InvalidArgVal/KeyID", or "" where it is none."""
        if self.root is None:
            return ''
        f = self.root.find('.//{%s}Fault' % ENV)
        if f is None:
            return ''
        return '/'.join(v.text.split(':')[-1]
                        for v in f.iter('{%s}Value' % ENV))

    def all(self, name):
        if self.root is None:
            return []
        return [(e.text or '') for e in self.root.iter()
                if local(e.tag) == name]

    def one(self, name):
        found = self.all(name)
        return found[0] if found else None


def envelope(body, header=''):
    head = '<e:Header>%s</e:Header>' % header if header else ''
    return ('<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="%s">'
            '%s<e:Body>%s</e:Body></e:Envelope>' % (ENV, head, body))


def token(user, password, offset=0, nonce=None, created=None):
    nonce = os.urandom(16) if nonce is None else nonce
    if created is None:
        now = datetime.datetime.now(datetime.timezone.utc)
        now += datetime.timedelta(seconds=offset)
        created = now.strftime('%Y-%m-%dT%H:%M:%S.') + '000Z'
    d = hashlib.sha1(nonce + created.encode() + password.encode()).digest()
    return ('<s:Security xmlns:s="%s" xmlns:u="%s"><s:UsernameToken>'
            '<s:Username>%s</s:Username><s:Password Type="%s">%s</s:Password>'
            '<s:Nonce EncodingType="%s">%s</s:Nonce><u:Created>%s</u:Created>'
            '</s:UsernameToken></s:Security>' % (
                WSSE, WSU, user, DIGEST, base64.b64encode(d).decode(), BASE64,
                base64.b64encode(nonce).decode(), created))


def digest(challenge, user, password, uri, nc=1, method='POST', extra='',
           quoted=False, algorithm=None):
    got = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
    alg = got.get('algorithm', 'MD5')
    h = hashlib.sha256 if alg == 'SHA-256' else hashlib.md5

    def hx(s):
        return h(s.encode()).hexdigest()
    cnonce = os.urandom(8).hex()
    a1 = hx('%s:%s:%s' % (user, got['realm'], password))
    r = hx('%s:%s:%08x:%s:auth:%s' % (a1, got['nonce'], nc, cnonce,
                                      hx('%s:%s' % (method, uri))))
    q = '"' if quoted else ''
    out = ('Digest username="%s", realm="%s", nonce="%s", uri="%s", '
           'algorithm=%s, response="%s", qop=auth, nc=%s%08x%s, cnonce="%s"'
           % (user, got['realm'], got['nonce'], uri, algorithm or alg, r, q,
              nc, q, cnonce))
    if 'opaque' in got:
        out += ', opaque="%s"' % got['opaque']
    return out + extra


class Camera:
    """One camera of the fleet, as the ready line describes it."""

    def __init__(self, fleet, n):
        self.fleet, self.n = fleet, n
        c = fleet['cameras'][n]
        self.host, self.http, self.https = c['host'], c['http'], c['https']
        self.rtsp_port = c['rtsp']
        self.user, self.password = 'admin', 'admin'
        self.tls = False
        self.algorithm = 'SHA-256'
        self.offset = 0
        self.context = ssl._create_unverified_context()

    # ---- the control port ----

    def control(self, verb='', body=None):
        c = http.client.HTTPConnection('127.0.0.1', self.fleet['control'],
                                       timeout=20)
        path = '/cameras/%s%s' % (self.n, '/' + verb if verb else '')
        if body is None:
            c.request('GET', path)
        else:
            c.request('POST', path, json.dumps(body))
        r = c.getresponse()
        text = r.read()
        c.close()
        self.control_status = r.status
        return json.loads(text)

    def fault(self, name, **more):
        return self.control('fault', dict({'fault': name}, **more))

    def clear(self):
        self.control('clear', {})

    # ---- HTTP ----

    def connect(self):
        if self.tls:
            return http.client.HTTPSConnection(
                self.host, self.https, timeout=20, context=self.context)
        return http.client.HTTPConnection(self.host, self.http, timeout=20)

    def raw(self, path, text, fields=None, media=MEDIA, method='POST',
            conn=None):
        c = conn or self.connect()
        try:
            data = text.encode() if isinstance(text, str) else text
            c.putrequest(method, path)
            if media:
                c.putheader('Content-Type', media)
            c.putheader('Content-Length', str(len(data)))
            for k, v in (fields or {}).items():
                c.putheader(k, v)
            c.endheaders()
            c.send(data)
            r = c.getresponse()
            return Answer(r.status, r.getheaders(), r.read())
        finally:
            if conn is None:
                c.close()

    def path(self, ns):
        return ('/onvif/device_service' if ns == TDS else
                '/onvif/advancedsecurity')

    @staticmethod
    def element(ns, op, inner):
        p = 'tds' if ns == TDS else 'tas'
        return ('<%s:%s xmlns:%s="%s" xmlns:tt="%s">%s</%s:%s>' %
                (p, op, p, ns, TT, inner, p, op))

    def open(self, op, inner='', ns=TDS):
        """Without a login."""
        return self.raw(self.path(ns), envelope(self.element(ns, op, inner)))

    def pick(self, answer):
        for c in answer.challenges():
            if c.startswith('Digest') and self.algorithm in c:
                return c
        for c in answer.challenges():
            if c.startswith('Digest'):
                return c
        return None

    def call(self, op, inner='', ns=TDS, user=None, password=None):
        """With the login that the camera asks for."""
        user = self.user if user is None else user
        password = self.password if password is None else password
        path, body = self.path(ns), self.element(ns, op, inner)
        a = self.raw(path, envelope(body))
        if a.status == 401 and self.pick(a):
            return self.raw(path, envelope(body), {
                'Authorization': digest(self.pick(a), user, password, path)})
        if a.fault().startswith('Sender/NotAuthorized'):
            return self.raw(path, envelope(body, token(user, password,
                                                       self.offset)))
        return a

    def tas(self, op, inner='', **more):
        return self.call(op, inner, TAS, **more)

    def login(self, path, user=None, password=None):
        """The web page or RTSP; the status."""
        a = self.raw(path, '', media=None, method='GET')
        c = self.pick(a)
        return self.raw(path, '', {'Authorization': digest(
            c, user or self.user, password or self.password, path,
            method='GET')}, media=None, method='GET').status

    def rtsp(self, user=None, password=None, path='/stream1', uri=None,
             extra='', version='1.0', method='DESCRIBE'):
        """What the video door says: the status of the last reply."""
        url = f'rtsp://{self.host}:{self.rtsp_port}{path}'

        def turn(s, cseq, field=''):
            s.sendall((f'{method} {url} RTSP/{version}\r\nCSeq: {cseq}\r\n'
                       f'{field}{extra}\r\n').encode())
            text = b''
            while b'\r\n\r\n' not in text:
                more = s.recv(4096)
                if not more:
                    break
                text += more
            return text.decode()
        with socket.create_connection((self.host, self.rtsp_port), 10) as s:
            text = turn(s, 1)
            found = re.findall(r'WWW-Authenticate: (Digest [^\r]*)\r', text)
            if user is not None and found:
                assert 'CSeq: 1\r' in text
                pick = [c for c in found if self.algorithm in c] or found
                text = turn(s, 2, 'Authorization: ' + digest(
                    pick[0], user, password, uri or url,
                    method=method) + '\r\n')
            return int(text.split(' ')[1])

    def leaf(self):
        """SHA-256 of the certificate that TLS shows."""
        with socket.create_connection((self.host, self.https), 10) as s:
            with self.context.wrap_socket(s) as t:
                der = t.getpeercert(True)
        return hashlib.sha256(der).hexdigest()
