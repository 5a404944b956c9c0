#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""camera_faults.py READY-FILE: each fault of the catalogue does what it says,
against a fleet of two: default and modern."""
import base64
import http.client
import json
import sys
import time
import traceback

from camera_cases import (CA, FAILED, back, by_id, check, csr, install,
                          new_key, raises, replace, sha, upload, user,
                          wait_key, with_certificate)
from camera_client import TAS, TDS, Camera, digest, envelope, token

SEEN = set()


class Switch:
    """with Switch(cam, "slow", value=9): the fault is on inside."""

    def __init__(self, cam, name, **more):
        self.cam, self.name, self.more = cam, name, more
        SEEN.add(name)

    def __enter__(self):
        self.cam.fault(self.name, **self.more)
        if self.cam.control_status != 200:
            raise RuntimeError('fault %s not taken' % self.name)

    def __exit__(self, *a):
        self.cam.control('clear', {'fault': self.name})


def names(cam):
    c = http.client.HTTPConnection('127.0.0.1', cam.fleet['control'])
    c.request('GET', '/faults')
    return {f['name'] for f in json.loads(c.getresponse().read())}


def answers(cam):
    plain = 'GetSystemDateAndTime'
    with Switch(cam, 'slow', value=300):
        t = time.monotonic()
        cam.open(plain)
        check('slow', time.monotonic() - t >= 0.3)
    with Switch(cam, 'truncated', operation=plain):
        check('truncated', raises(lambda: cam.open(plain)))
    with Switch(cam, 'huge', operation=plain):
        check('huge', len(cam.open(plain).body) >= 8 << 20)
        check('huge is well-formed', cam.open(plain).root is not None)
    with Switch(cam, 'malformed', operation=plain):
        check('malformed', cam.open(plain).root, None)
    with Switch(cam, 'wrong-namespace', operation=plain):
        a = cam.open(plain)
        check('wrong namespace', (a.root is not None,
                                  b'www.onvif.org' in a.body), (True, False))
    with Switch(cam, 'duplicate-elements', operation=plain):
        check('duplicate', len(cam.open(plain).all('SystemDateAndTime')), 2)
    for n in (200, 400, 500):
        with Switch(cam, 'fault-status-%d' % n):
            a = cam.open('Nothing')
            check('a fault with %d' % n, (a.status, a.fault()),
                  (n, 'Receiver/ActionNotSupported'))
    with Switch(cam, 'slow', value=300, count=1, after=1, operation=plain):
        times = []
        for _ in range(3):
            t = time.monotonic()
            cam.open(plain)
            times.append(time.monotonic() - t >= 0.3)
        check('count and after', times, [False, True, False])


def services(cam):
    inner = '<tds:IncludeCapability>false</tds:IncludeCapability>'

    def xaddr():
        return cam.open('GetServices', inner).one('XAddr') or ''
    for fault, want in (('xaddr-odd-port', ':8899/'),
                        ('xaddr-wrong-host', '//camera.invalid:'),
                        ('xaddr-factory-ip', '//192.168.1.99:')):
        with Switch(cam, fault):
            check(fault, want in xaddr())
    with Switch(cam, 'no-getservices'):
        check('no-getservices', cam.open('GetServices', inner).fault(),
              'Receiver/ActionNotSupported')
    with Switch(cam, 'no-serial'):
        a = cam.call('GetDeviceInformation')
        check('no-serial', (a.one('SerialNumber'), a.one('HardwareId')),
              (None, 'HW-D1'))
    with Switch(cam, 'no-hardware-id'):
        check('no-hardware-id', cam.call('GetDeviceInformation').one(
            'HardwareId'), None)


def logins(cam):
    dev = '/onvif/device_service'
    users = cam.element(TDS, 'GetUsers', '')
    with Switch(cam, 'digest-only'):
        check('digest-only', cam.raw(dev, envelope(users, token(
            'admin', 'admin'))).status, 401)
        check('digest works', cam.call('GetUsers').status, 200)
    with Switch(cam, 'token-only'):
        a = cam.raw(dev, envelope(users))
        check('token-only', (a.status, a.challenges()), (400, []))
        check('a token works', cam.call('GetUsers').status, 200)
    with Switch(cam, 'basic-digest'):
        a = cam.raw(dev, envelope(users))
        check('basic-digest', [c.split()[0] for c in a.challenges()],
              ['Basic', 'Digest'])
        b = base64.b64encode(b'admin:admin').decode()
        check('Basic is taken', cam.raw(dev, envelope(users), {
            'Authorization': 'Basic ' + b}).status, 200)
        check('and remembered', cam.control()['basic_seen'] > 0)
    with Switch(cam, 'tight-window'):
        check('tight-window', cam.raw(dev, envelope(users, token(
            'admin', 'admin', 30))).status, 401)
    check('not so tight', cam.raw(dev, envelope(users, token(
        'admin', 'admin', 30))).status, 200)
    with Switch(cam, 'nonce-once'):
        c = cam.pick(cam.raw(dev, envelope(users)))
        check('nonce-once', [cam.raw(dev, envelope(users), {
            'Authorization': digest(c, 'admin', 'admin', dev, nc=n)}).status
            for n in (1, 2)], [200, 401])
    with Switch(cam, 'clock-skew', value=-1000):
        check('clock-skew', cam.control()['offset_s'], -1000)
        check('setting it does not help', cam.call(
            'SetSystemDateAndTime', '<tds:DateTimeType>Manual'
            '</tds:DateTimeType><tds:DaylightSavings>false'
            '</tds:DaylightSavings><tds:UTCDateTime><tt:Time><tt:Hour>1'
            '</tt:Hour><tt:Minute>1</tt:Minute><tt:Second>1</tt:Second>'
            '</tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>1</tt:Month>'
            '<tt:Day>1</tt:Day></tt:Date></tds:UTCDateTime>').status, 200)
        check('it stays', cam.control()['offset_s'], -1000)
    cam.control('clock', {'offset_s': 0})


def passwords(cam):
    def sets(password, new):
        return cam.call('SetUser', user('admin', new), password=password)

    def works(password):
        return cam.call('GetUsers', password=password).status == 200
    with Switch(cam, 'password-late', value=30):
        sets('admin', 'Later-99')
        check('password-late', (works('admin'), works('Later-99')),
              (True, False))
        cam.control('clock', {'advance_s': 31})
        check('then the new one', (works('admin'), works('Later-99')),
              (False, True))
        check('on the web too', cam.login('/web/login', password='Later-99'),
              200)
    with Switch(cam, 'password-onvif-only'):
        sets('Later-99', 'Onvif-99')
        check('password-onvif-only', (works('Onvif-99'), cam.login(
            '/web/login', password='Later-99'), cam.login(
                '/rtsp/describe', password='Onvif-99')), (True, 200, 401))
        check('the video keeps the old one', (cam.rtsp('admin', 'Onvif-99'),
              cam.rtsp('admin', 'Later-99')), (401, 200))
    with Switch(cam, 'password-silently-ignored'):
        check('password-silently-ignored', (sets('Onvif-99', 'Never-99')
                                            .status, works('Onvif-99')),
              (200, True))
    with Switch(cam, 'symbols-rejected'):
        check('symbols-rejected', sets('Onvif-99', 'With-99-#').fault(),
              'Sender/OperationProhibited/PasswordTooWeak')
        check('letters and digits', sets('Onvif-99', 'Without99').status, 200)
    with Switch(cam, 'fixed-user', user='admin'):
        check('fixed-user', sets('Without99', 'Other-99').fault(),
              'Sender/InvalidArgVal/FixedUser')
    with Switch(cam, 'drop-after-change', operation='SetUser'):
        check('drop-after-change', (raises(
            lambda: sets('Without99', 'Dropped-9')), works('Dropped-9')),
            (True, True))
    with Switch(cam, 'drop-before-answer', operation='SetUser'):
        check('drop-before-answer', (raises(
            lambda: sets('Dropped-9', 'Without99')), works('Dropped-9')),
            (True, True))
    cam.fault('factory-reset')
    SEEN.add('factory-reset')
    check('factory-reset', works('admin'))
    with Switch(cam, 'lock-after-5', value=60):
        for _ in range(5):
            works('wrong')
        check('lock-after-5', works('admin'), False)
        with Switch(cam, 'lock-told'):
            check('lock-told', (cam.call('GetUsers').status, cam.login(
                '/web/login')), (423, 423))
        cam.control('clock', {'advance_s': 61})
        check('it opens', works('admin'))


def keys(cam, ca):
    with Switch(cam, 'key-stuck', count=1):
        k = new_key(cam)
    time.sleep(0.5)
    check('key-stuck', cam.tas('GetKeyStatus', '<tas:KeyID>%s</tas:KeyID>' %
                               k).one('KeyStatus'), 'generating')
    check('it can be deleted', by_id(cam, 'DeleteKey', 'KeyID', k), '')
    with Switch(cam, 'key-corrupt', count=1):
        k = new_key(cam)
    check('key-corrupt', wait_key(cam, k), 'corrupt')
    by_id(cam, 'DeleteKey', 'KeyID', k)
    with Switch(cam, 'keystore-full'):
        check('keystore-full', cam.tas(
            'CreateECCKeyPair', '<tas:EllipticCurve>secp256r1'
            '</tas:EllipticCurve>').fault(),
            'Receiver/Action/MaximumNumberOfKeysReached')
        check('nor a certificate', upload(cam, ca.cert).fault(),
              'Receiver/Action/MaximumNumberOfCertificatesReached')
    k = new_key(cam)
    wait_key(cam, k)
    good = csr(cam, k)
    with Switch(cam, 'csr-other-subject'):
        check('csr-other-subject', csr(cam, k).subject != good.subject)
    with Switch(cam, 'csr-no-san'):
        check('csr-no-san', len(csr(cam, k).extensions), 0)
    with Switch(cam, 'csr-2048'):
        check('csr-2048', csr(cam, k).public_key().key_size, 2048)
    leaf = ca.sign(good.subject, good.public_key())
    with Switch(cam, 'duplicate', count=1):
        check('duplicate', upload(cam, leaf, True).fault(),
              'Sender/InvalidArgVal/Duplicate')
    check('but it is there', sha(leaf) in [
        c['sha256'] for c in cam.control()['certs']])
    with Switch(cam, 'no-key-sharing'):
        check('no-key-sharing', upload(cam, ca.sign(
            good.subject, good.public_key()), True).fault(),
            'Sender/InvalidArgVal/InvalidKeyStatus')
    other = ca.sign(good.subject, good.public_key())
    check('else a key is shared', upload(cam, other, True).status, 200)
    with Switch(cam, 'no-crl'):
        check('no-crl', cam.tas('UploadCRL', '<tas:Crl>AAAA</tas:Crl>')
              .fault(), 'Receiver/ActionNotSupported')
        check('and says so', b'MaximumNumberOfCRLs="0"' in cam.open(
            'GetServiceCapabilities', ns=TAS).body)
    with Switch(cam, 'crl-max-1'):
        check('crl-max-1', b'MaximumNumberOfCRLs="1"' in cam.open(
            'GetServiceCapabilities', ns=TAS).body)


def tls(cam, ca):
    cam.control('reset', {})
    old = cam.control()['assigned']
    factory = cam.leaf()
    ca_id = upload(cam, ca.cert).one('CertificateID')
    _, leaf, _, p = install(cam, ca, ca_id)
    with Switch(cam, 'tls-old-leaf', count=1):
        check('tls-old-leaf', (replace(cam, old, p), cam.leaf()),
              ('', factory))
    check('back', replace(cam, p, old), '')
    with Switch(cam, 'tls-late', count=1):
        check('tls-late', (replace(cam, old, p), cam.leaf()), ('', factory))
    cam.control('clock', {'advance_s': 21})
    check('20 s later', cam.leaf(), sha(leaf))
    with Switch(cam, 'drop-after-change',
                operation='ReplaceServerCertificateAssignment'):
        check('dropped after the change', (raises(
            lambda: replace(cam, p, old)), cam.leaf()), (True, factory))


def power(cam):
    with Switch(cam, 'power-cut', operation='SetDiscoveryMode', value=300,
                when='before'):
        check('power-cut before', raises(lambda: mode(cam)))
    back(cam)
    check('nothing is changed', cam.control()['discoverable'])
    with Switch(cam, 'power-cut', operation='SetDiscoveryMode', value=300,
                when='after'):
        check('power-cut after', raises(lambda: mode(cam)))
    back(cam)
    check('all is changed', cam.control()['discoverable'], False)
    boots = cam.control()['boots']
    with Switch(cam, 'reboot-on-overload', value=2):
        conns = [cam.connect() for _ in range(4)]
        raises(lambda: [c.connect() for c in conns])
        time.sleep(0.2)
        for c in conns:
            c.close()
    check('reboot-on-overload', cam.control()['boots'] > boots)
    back(cam)


def mode(cam):
    return cam.call('SetDiscoveryMode', '<tds:DiscoveryMode>NonDiscoverable'
                    '</tds:DiscoveryMode>')


def hashing(cam):
    """Switched on, SHA-256 refuses everybody; MD5 goes on."""
    cam.call('SetHashingAlgorithm', '<tds:Algorithm>MD5 SHA-256'
             '</tds:Algorithm>')

    def works():
        got = []
        for cam.algorithm in 'SHA-256', 'MD5':
            got.append(cam.call('GetUsers').status)
        return got
    with Switch(cam, 'sha256-broken'):
        check('sha256-broken', (works(), cam.rtsp('admin', 'admin')),
              ([401, 200], 200))
    check('without it', works(), [200, 200])


def demand(cam, ca):
    """Client certificates are asked for; the login stays on plain HTTP."""
    cam.control('reset', {})
    ca_id = upload(cam, ca.cert).one('CertificateID')
    p = cam.tas('CreateCertPathValidationPolicy', '<tas:Parameters/>'
                '<tas:TrustAnchor><tas:CertificateID>%s</tas:CertificateID>'
                '</tas:TrustAnchor>' % ca_id).one('CertPathValidationPolicyID')
    by_id(cam, 'AddCertPathValidationPolicyAssignment',
          'CertPathValidationPolicyID', p)
    cam.tas('SetClientAuthenticationRequired', '<tas:clientAuthentication'
            'Required>true</tas:clientAuthenticationRequired>')
    plain = 'GetSystemDateAndTime'
    cam.tls = True
    check('a stranger is out', raises(lambda: cam.open(plain)))
    with Switch(cam, 'client-cert-ignored'):
        check('client-cert-ignored', cam.open(plain).status, 200)
    with_certificate(cam, ca, 'viewer')
    check('a viewer is in', cam.open(plain).status, 200)
    with Switch(cam, 'client-cert-refused'):
        check('client-cert-refused', raises(lambda: cam.open(plain)))
    cam.tls = False
    cam.control('reset', {})


def refused(cam):
    for body, why in (({'fault': 'nothing'}, 'unknown'),
                      ({}, 'none'), ({'fault': 'slow', 'x': 1}, 'key'),
                      ({'fault': 'slow', 'value': 'a'}, 'type'),
                      ({'fault': 'power-cut', 'when': 'never'}, 'when')):
        cam.control('fault', body)
        check('control refuses: ' + why, cam.control_status, 400)


def main():
    with open(sys.argv[1]) as f:
        fleet = json.loads(f.readline())
    cam, modern = Camera(fleet, 0), Camera(fleet, 1)
    first = Camera(fleet, 2)
    cam.name, modern.name, first.name = 'default', 'modern', 'md5first'
    ca = CA()
    for name, run in (('answers', lambda: answers(cam)),
                      ('services', lambda: services(cam)),
                      ('logins', lambda: logins(cam)),
                      ('passwords', lambda: passwords(cam)),
                      ('keys', lambda: keys(cam, ca)),
                      ('tls', lambda: tls(cam, ca)),
                      ('tls of modern', lambda: tls(modern, ca)),
                      ('demand', lambda: demand(cam, ca)),
                      ('hashing', lambda: hashing(first)),
                      ('power', lambda: power(cam)),
                      ('refused', lambda: refused(cam))):
        try:
            run()
        except Exception:
            FAILED.append(name)
            print('not ok', name)
            traceback.print_exc(file=sys.stdout)
    check('each fault of the catalogue was seen', names(cam) - SEEN, set())
    return 1 if FAILED else 0


if __name__ == '__main__':
    sys.exit(main())
