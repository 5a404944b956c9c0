/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/idevid_serial.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"

/* HardwareModuleName ::= SEQUENCE { hwType OBJECT IDENTIFIER,
 * hwSerialNum OCTET STRING }, RFC 4108 section 5. */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_OCTET_STRING *serial;
} HW_MODULE_NAME;
ASN1_SEQUENCE(HW_MODULE_NAME) = {
	ASN1_SIMPLE(HW_MODULE_NAME, type, ASN1_OBJECT),
	ASN1_SIMPLE(HW_MODULE_NAME, serial, ASN1_OCTET_STRING)
} static_ASN1_SEQUENCE_END(HW_MODULE_NAME)

/* id-on-hardwareModuleName, 1.3.6.1.5.5.7.8.4: not in OpenSSL's table. */
static const uint8_t hw_module_name_oid[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x04
};

static int
idevid_refused(struct refusal *why, const char *code, const char *detail)
{
	ERR_clear_error();
	return refuse(why, CAMCA_EAUTH, 403, code, "%s", detail);
}

/* Text of a device: neither empty nor with controls in it. */
static int
idevid_put_serial(const uint8_t *p, int n, char *out, size_t out_len,
    struct refusal *why)
{
	if (n <= 0 || (size_t)n >= out_len)
		return idevid_refused(why, "idevid.serial-length",
		    "The factory identity's serial number is empty or too "
		    "long.");
	for (int i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return idevid_refused(why, "idevid.serial-characters",
			    "The factory identity's serial number has control "
			    "characters.");
	memcpy(out, p, (size_t)n);
	out[n] = '\0';
	return CAMCA_OK;
}

/* 802.1AR 8.6: the subject's serialNumber. CAMCA_ENOENT where it has none. */
static int
idevid_subject_serial(X509 *leaf, char *out, size_t out_len,
    struct refusal *why)
{
	const X509_NAME *name = X509_get_subject_name(leaf);
	int at = X509_NAME_get_index_by_NID(name, NID_serialNumber, -1);
	unsigned char *utf8 = NULL;
	int n, ret;

	if (at < 0)
		return CAMCA_ENOENT;
	if (X509_NAME_get_index_by_NID(name, NID_serialNumber, at) >= 0)
		return idevid_refused(why, "idevid.serial-ambiguous",
		    "The factory identity has several serial numbers.");
	n = ASN1_STRING_to_UTF8(&utf8,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	ret = idevid_put_serial(utf8, n, out, out_len, why);
	OPENSSL_free(utf8);
	return ret;
}

/* hwSerialNum is a string of octets: vendors write text or bytes into it. */
static int
idevid_put_octets(const ASN1_OCTET_STRING *os, char *out, size_t out_len,
    struct refusal *why)
{
	const uint8_t *p = ASN1_STRING_get0_data(os);
	int n = ASN1_STRING_length(os);

	for (int i = 0; i < n; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f)
			continue;
		if ((size_t)n * 2 >= out_len)
			return idevid_refused(why, "idevid.serial-length",
			    "The factory identity's serial number is empty or "
			    "too long.");
		enc_hex(out, p, (size_t)n);
		return CAMCA_OK;
	}
	return idevid_put_serial(p, n, out, out_len, why);
}

static int
idevid_hw_serial(const GENERAL_NAME *gn, char *out, size_t out_len,
    struct refusal *why)
{
	const ASN1_STRING *seq = gn->d.otherName->value->value.sequence;
	const unsigned char *p, *end;
	HW_MODULE_NAME *hw;
	int ret;

	if (gn->d.otherName->value->type != V_ASN1_SEQUENCE)
		return idevid_refused(why, "idevid.hardware-module-name",
		    "The factory identity's HardwareModuleName is malformed.");
	p = ASN1_STRING_get0_data(seq);
	end = p + ASN1_STRING_length(seq);
	hw = (HW_MODULE_NAME *)ASN1_item_d2i(NULL, &p, end - p,
	    ASN1_ITEM_rptr(HW_MODULE_NAME));
	if (hw == NULL || p != end)
		ret = idevid_refused(why, "idevid.hardware-module-name",
		    "The factory identity's HardwareModuleName is malformed.");
	else
		ret = idevid_put_octets(hw->serial, out, out_len, why);
	ASN1_item_free((ASN1_VALUE *)hw, ASN1_ITEM_rptr(HW_MODULE_NAME));
	return ret;
}

static bool
idevid_is_hw_name(const GENERAL_NAME *gn)
{
	const ASN1_OBJECT *oid;

	if (gn->type != GEN_OTHERNAME)
		return false;
	oid = gn->d.otherName->type_id;
	return OBJ_length(oid) == sizeof hw_module_name_oid &&
	    memcmp(OBJ_get0_data(oid), hw_module_name_oid,
	    sizeof hw_module_name_oid) == 0;
}

static int
idevid_san_serial(X509 *leaf, char *out, size_t out_len, struct refusal *why)
{
	AUTO(GENERAL_NAMES) *san = X509_get_ext_d2i(leaf, NID_subject_alt_name,
	    NULL, NULL);
	const GENERAL_NAME *found = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(san); i++) {
		const GENERAL_NAME *gn = sk_GENERAL_NAME_value(san, i);

		if (!idevid_is_hw_name(gn))
			continue;
		if (found != NULL)
			return idevid_refused(why, "idevid.serial-ambiguous",
			    "The factory identity has several serial numbers.");
		found = gn;
	}
	if (found == NULL)
		return idevid_refused(why, "idevid.no-serial",
		    "The factory identity carries no serial number.");
	return idevid_hw_serial(found, out, out_len, why);
}

int
idevid_serial(X509 *leaf, char *out, size_t out_len, struct refusal *why)
{
	int ret = idevid_subject_serial(leaf, out, out_len, why);

	if (ret == CAMCA_ENOENT)
		ret = idevid_san_serial(leaf, out, out_len, why);
	return ret;
}
