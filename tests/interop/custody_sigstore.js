// SPDX-License-Identifier: Apache-2.0
// custody_sigstore.js FOLDER: checks the ECDSA line of each checkpoint of a log
// (made by custody_export) and its inclusion proofs with @sigstore/verify.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { verifyCheckpoint } = require('@sigstore/verify/dist/tlog/checkpoint');
const { verifyMerkleInclusion } = require('@sigstore/verify/dist/tlog/merkle');

const dir = process.argv[2];
let failed = false;

function check(name, fn) {
  try {
    fn();
    console.log(`ok ${name}`);
  } catch (e) {
    failed = true;
    console.log(`not ok ${name}: ${e.message}`);
  }
}

function mustThrow(what, fn) {
  try {
    fn();
  } catch (e) {
    return;
  }
  throw new Error(`accepted with another ${what}`);
}

// The log as sigstore's trust root has it: id = SHA-256 of the key.
function readLog() {
  for (const line of fs.readFileSync(path.join(dir, 'vkeys'), 'utf8').split('\n')) {
    const [name, id, ...rest] = line.split('+');
    const key = Buffer.from(rest.join('+'), 'base64');
    if (key[0] !== 2) continue;
    const spki = key.subarray(1);
    const logID = crypto.createHash('sha256').update(spki).digest();
    if (logID.subarray(0, 4).toString('hex') !== id) throw new Error('key id');
    return {
      logID,
      baseURL: `https://${name}`,
      publicKey: crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    };
  }
  throw new Error('no ECDSA key');
}

function entry(index) {
  const n = Math.floor(index / 256);
  const base = path.join(dir, 'tile', 'entries', String(n).padStart(3, '0'));
  // The widest there is: names of partial bundles are their widths.
  const file = fs.existsSync(base) ? base : path.join(`${base}.p`,
    fs.readdirSync(`${base}.p`).sort((a, b) => b - a)[0]);
  let b = fs.readFileSync(file);
  for (let i = 0; i < index % 256; i++) b = b.subarray(2 + b.readUInt16BE(0));
  return b.subarray(2, 2 + b.readUInt16BE(0));
}

function proof(file) {
  const text = fs.readFileSync(file, 'utf8');
  const gap = text.indexOf('\n\n');
  const lines = text.slice(0, gap).split('\n');
  return {
    logIndex: lines[1].slice('index '.length),
    hashes: lines.slice(2).map((l) => Buffer.from(l, 'base64')),
    checkpoint: { envelope: text.slice(gap + 2) },
  };
}

const log = readLog();
for (const name of fs.readdirSync(dir).filter((f) => /^checkpoint\.\d+$/.test(f))) {
  const envelope = fs.readFileSync(path.join(dir, name), 'utf8');
  const asked = (text) => verifyCheckpoint(
    { inclusionProof: { checkpoint: { envelope: text } } }, [log]);
  check(`${name}: the ECDSA line`, () => {
    const c = asked(envelope);
    if (`checkpoint.${c.logSize}` !== name) throw new Error(`size ${c.logSize}`);
    mustThrow('size', () => asked(envelope.replace(/\n\d/, '\n9')));
    mustThrow('origin', () => asked(`x${envelope}`));
  });
  const proofs = path.join(dir, 'proof', name.slice('checkpoint.'.length));
  if (!fs.existsSync(proofs)) continue;
  check(`${name}: inclusion proofs`, () => {
    for (const file of fs.readdirSync(proofs).filter((f) => f.endsWith('.tlog-proof'))) {
      const p = proof(path.join(proofs, file));
      const e = { inclusionProof: p, canonicalizedBody: entry(Number(p.logIndex)) };
      const c = verifyCheckpoint(e, [log]);
      verifyMerkleInclusion(e, c);
      mustThrow('entry', () => verifyMerkleInclusion(
        { ...e, canonicalizedBody: Buffer.concat([e.canonicalizedBody, Buffer.from('x')]) }, c));
      if (p.hashes.length > 0) {
        p.hashes[0][7] ^= 1;
        mustThrow('hash', () => verifyMerkleInclusion(e, c));
      }
    }
  });
}
process.exit(failed ? 1 : 0);
