/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint with every kind of signature, made by a separate program (Python,
 * pyca/cryptography): the log's Ed25519 key has the seed 01 01 ..., the
 * witnesses' have 02 02 ... and 03 03 ..., the ECDSA key is P-256 with the
 * scalar 12345678901234567890. Key ids and messages as C2SP says:
 *
 *	ed = sha256(name + b"\n" + b"\x01" + pub)[:4];  log.sign(text)
 *	ec = sha256(spki)[:4];  p256.sign(text, ECDSA(SHA256()))
 *	w  = sha256(name + b"\n" + b"\x04" + pub)[:4]
 *	     pack(">Q", t) + w.sign(b"cosignature/v1\ntime %d\n" % t + text)
 */
#ifndef CAMCA_TEST_NOTE_VECTORS_H
#define CAMCA_TEST_NOTE_VECTORS_H

#define DASH "\xe2\x80\x94"
#define V_ORIGIN "log.example/custody"
#define V_TEXT V_ORIGIN "\n70000\n" \
	"SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
#define V_ED_KEY \
	"log.example/custody+0a748c04+AYqI4910CfGV/VLbLTy6XXLKZwm" \
	"/HZQSG/N0iAG0D29c"
#define V_EC_KEY \
	"log.example/custody+48d2598f+AjBZMBMGByqGSM49AgEGCCqGSM4" \
	"9AwEHA0IABD7Xoo7GSO3OXVt+JS9rKq+7RINRFKJLPKqPcQ9kmTvCVxG" \
	"jTNySKQgLY58Jl3/rfKkezOFkm/6orYXHKyBq3n4="
#define V_W1_KEY \
	"w1.example+c244f014+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32" \
	"D1uPybOU"
#define V_W2_KEY \
	"w2.example+335e0daf+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbB" \
	"RhSshzfR"
#define V_ED_LINE \
	DASH " log.example/custody CnSMBJWe+lrD+/a+CTYhXQJx4qsT+50EgN" \
	"CHQEr14PnkdqtADN1KprwPI+lQSuI+QygzKVJdwJytYXSHqDJd+qcOsw" \
	"Q=\n"
#define V_EC_LINE \
	DASH " log.example/custody SNJZjzBFAiBQXBD1YN/3Jky0Aczen/KfTQ" \
	"puy+iGr2aSrJ/fUqTi1QIhAOrqXXZQApycfRrCb1iAYyzTEZ3zHzpf6m" \
	"CSOIxClH4h\n"
#define V_W1_LINE \
	DASH " w1.example wkTwFAAAAABkGFDLBH9CHyRL7WZPDj64pJVhcvdSggz" \
	"Yr+TAZymEflBygU905rM91TohhO6mGjSCTFrQejrtABrnahMl91qdUfi" \
	"QBg==\n"
#define V_W2_LINE \
	DASH " w2.example M14NrwAAAABlU/EAJxYCjqw6/m8+QtB22w1freCETZe" \
	"LQEOzCeagbmzfla7bnumIyh0iWn7klMtlFSDKdChUbIY9mac720xnNP5" \
	"SBA==\n"
#define V_W1_TIME 1679315147
#define V_W2_TIME 1700000000
#define V_NOTE V_TEXT "\n" V_ED_LINE V_EC_LINE V_W1_LINE V_W2_LINE

#endif
