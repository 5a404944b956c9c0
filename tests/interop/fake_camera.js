// SPDX-License-Identifier: Apache-2.0
// fake_camera.js READY-FILE: npm onvif, a client that is not ours, drives the
// device and user part of the fake cameras, over HTTP and TLS, by Digest with
// MD5 and SHA-256 and by UsernameToken.
'use strict';
const fs = require('fs');
const Cam = require('onvif').Cam;

const fleet = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
let failed = 0;

function check(name, got, want) {
	const good = JSON.stringify(got) === JSON.stringify(want);
	console.log((good ? 'ok ' : 'not ok ') + name);
	if (!good) {
		failed++;
		console.log('    got ' + JSON.stringify(got) + ', wanted ' +
		    JSON.stringify(want));
	}
}

// A method with a callback as a promise of [error, value].
function ask(cam, method, ...args) {
	return new Promise((done) => cam[method](...args,
	    (err, value) => done([err, value])));
}

function open(n, options) {
	const c = fleet.cameras[n];
	const tls = options.useSecure === true;
	return new Cam(Object.assign({
		hostname: c.host, port: tls ? c.https : c.http,
		username: 'admin', password: 'admin', autoconnect: false,
		timeout: 20000, preserveAddress: true,
		secureOpts: { rejectUnauthorized: false },
	}, options));
}

const names = (users) => [].concat(users || []).map((u) => u.username).sort();

async function accounts(name, cam) {
	const service = { username: 'service', password: 'Service-99',
		userLevel: 'Operator' };
	let [err, users] = await ask(cam, 'getUsers');
	check(name + ': users', [err, names(users)], [null, ['admin']]);
	[err, users] = await ask(cam, 'createUsers', [service]);
	check(name + ': a user more', [err, names(users)],
	    [null, ['admin', 'service']]);
	[err] = await ask(cam, 'createUsers', [service]);
	check(name + ': not twice', err !== null, true);
	[err, users] = await ask(cam, 'setUsers', [Object.assign({}, service,
	    { password: 'Other-1234' })]);
	check(name + ': another password', err, null);
	const as = (password) => Object.assign(Object.create(
	    Object.getPrototypeOf(cam)), cam, { username: 'service', password });
	[err] = await ask(as('Other-1234'), 'getDeviceInformation');
	check(name + ': it works', err, null);
	[err] = await ask(as('Service-99'), 'getDeviceInformation');
	check(name + ': the old one fails', err !== null, true);
	[err, users] = await ask(cam, 'deleteUsers', ['service']);
	check(name + ': deleted', [err, names(users)], [null, ['admin']]);
	[err] = await ask(cam, 'deleteUsers', ['admin']);
	check(name + ': the last administrator stays', err !== null, true);
}

async function device(name, n, options) {
	const cam = open(n, options);
	let [err, value] = await ask(cam, 'getSystemDateAndTime');
	check(name + ': time', [err, value instanceof Date], [null, true]);
	[err, value] = await ask(cam, 'getDeviceInformation');
	check(name + ': identity', [err, value && value.serialNumber],
	    [null, fleet.cameras[n].serial]);
	[err, value] = await ask(cam, 'getServices', true);
	check(name + ': services', [err, value && value.length], [null, 2]);
	[err, value] = await ask(cam, 'getNetworkProtocols');
	check(name + ': protocols', [err, value && value.networkProtocols &&
	    value.networkProtocols.map((p) => p.name)],
	    [null, ['HTTP', 'HTTPS', 'RTSP']]);
	[err, value] = await ask(cam, 'getScopes');
	check(name + ': scopes', [err, value && value.length], [null, 3]);
	[err] = await ask(cam, 'setNTP', { fromDHCP: false, NTPManual: [
	    { type: 'IPv4', IPv4Address: '192.0.2.1' }] });
	check(name + ': time server', err, null);
	[err, value] = await ask(cam, 'getNTP');
	check(name + ': is read back', [err, value && value.NTPManual &&
	    value.NTPManual.IPv4Address], [null, '192.0.2.1']);
	await accounts(name, cam);
}

async function main() {
	await device('default, Digest and token', 0, {});
	await device('default, Digest', 0, { useWSSecurity: false });
	await device('default, TLS', 0, { useSecure: true,
		useWSSecurity: false });
	await device('modern, SHA-256', 1, { useWSSecurity: false });
	await device('modern, TLS', 1, { useSecure: true,
		useWSSecurity: false });
	await device('lateclock, token in its own time', 2, {});
	const [err] = await ask(open(1, {}), 'getUsers');
	check('modern refuses both layers', err !== null, true);
	process.exit(failed > 0 ? 1 : 0);
}
main();
