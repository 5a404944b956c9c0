/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that passes every call to another one and fails on order.
 *
 *   CAMCA_FAULT_MODULE   path of the module that does the work
 *   CAMCA_FAULT_CONTROL  file whose first line is the order, read at each call:
 *     (empty, missing)   pass through
 *     gone               the token is pulled: no session lives, no slot has a
 *                        token, every session call gives CKR_DEVICE_REMOVED
 *     after N            the N-th call since this order gives CKR_DEVICE_ERROR
 *     from N             the N-th call and all later ones do
 *     fail NAME RV       each call of that name gives RV (0x30, or decimal)
 *     flip               one bit of each signature is wrong
 *     final-try          the token says that one PIN attempt is left
 *   One token alone, with or without one of the above for all after "; ":
 *     away LABEL         the token with this label is pulled
 *     ill LABEL          the slot of this token gives CKR_DEVICE_ERROR
 *
 * C_GetFunctionList, C_Finalize, C_CloseSession and C_CloseAllSessions always
 * pass: nobody can do anything about their failure. */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_SLOTS 64
#define FAULT_ORDER_MAX 128

/* For a test that has the module loaded too: how many calls were counted since
 * the last order, and how many were failed. */
unsigned long pkcs11_fault_calls(void);
unsigned long pkcs11_fault_fired(void);

/* What stands for all tokens, and for one ("away LABEL"). */
struct fault_orders {
	char all[FAULT_ORDER_MAX];
	char one[FAULT_ORDER_MAX];
};

/* A PKCS#11 module has no object that its caller holds: its state is static.
 * fault_inside is held for reading during each call to the real module, so that
 * a pull does not close sessions under a running call: SoftHSM does not survive
 * that, and a real token is not pulled that way either. */
static pthread_rwlock_t fault_inside = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;
/* Under fault_lock. */
static char fault_line[FAULT_ORDER_MAX];
static struct fault_orders fault_now;        /* the parts of fault_line */
static unsigned long fault_calls;
static unsigned long fault_fired;
static void *fault_dl;
static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST table;

static void
fault_read_order(char *out, size_t out_len)
{
	const char *path = getenv("CAMCA_FAULT_CONTROL");
	ssize_t n = 0;
	int fd;

	out[0] = '\0';
	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return;
	n = read(fd, out, out_len - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
}

/* Whether the token in slot has the label that one begins with after its first
 * word. */
static int
fault_names(const char *one, CK_SLOT_ID slot)
{
	const char *label = strchr(one, ' ');
	size_t n = label != NULL ? strlen(label + 1) : 0;
	CK_TOKEN_INFO info;

	return n > 0 && n < sizeof info.label &&
	    real->C_GetTokenInfo(slot, &info) == CKR_OK &&
	    memcmp(info.label, label + 1, n) == 0 && info.label[n] == ' ';
}

/* A pulled token forgets its sessions and logins. one NULL: all of them. */
static void
fault_pull(const char *one)
{
	CK_SLOT_ID slots[FAULT_SLOTS];
	CK_ULONG n = FAULT_SLOTS, i;

	pthread_rwlock_wrlock(&fault_inside);
	if (real->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		n = 0;
	for (i = 0; i < n; i++)
		if (one == NULL || fault_names(one, slots[i]))
			real->C_CloseAllSessions(slots[i]);
	pthread_rwlock_unlock(&fault_inside);
}

/* "away LABEL; ORDER" into its two parts. */
static void
fault_split(void)
{
	int one = strncmp(fault_line, "away ", 5) == 0 ||
	    strncmp(fault_line, "ill ", 4) == 0;
	char *rest = one ? strstr(fault_line, "; ") : fault_line;
	size_t n = !one ? 0 : rest != NULL ? (size_t)(rest - fault_line) :
	    strlen(fault_line);

	memcpy(fault_now.one, fault_line, n);
	fault_now.one[n] = '\0';
	snprintf(fault_now.all, sizeof fault_now.all, "%s", rest == NULL ? "" :
	    one ? rest + 2 : rest);
}

/* Under fault_lock: takes over a changed order. */
static void
fault_refresh(void)
{
	char line[sizeof fault_line];

	fault_read_order(line, sizeof line);
	if (strcmp(line, fault_line) == 0)
		return;
	memcpy(fault_line, line, sizeof line);
	fault_split();
	fault_calls = fault_fired = 0;
	if (strcmp(fault_now.all, "gone") == 0)
		fault_pull(NULL);
	else if (strncmp(fault_now.one, "away ", 5) == 0)
		fault_pull(fault_now.one);
}

static CK_RV
fault_by_name(const char *name)
{
	const char *p = fault_now.all + strlen("fail ");
	size_t n = strlen(name);

	if (strncmp(p, name, n) != 0 || p[n] != ' ')
		return CKR_OK;
	return (CK_RV)strtoul(p + n, NULL, 0);
}

/* What this call must answer; CKR_OK: ask the real module. */
static CK_RV
fault_decide(const char *name, int session_call)
{
	CK_RV rv = CKR_OK;
	unsigned long at;

	fault_calls++;
	if (strcmp(fault_now.all, "gone") == 0)
		rv = session_call ? CKR_DEVICE_REMOVED : CKR_OK;
	else if (sscanf(fault_now.all, "after %lu", &at) == 1)
		rv = fault_calls == at ? CKR_DEVICE_ERROR : CKR_OK;
	else if (sscanf(fault_now.all, "from %lu", &at) == 1)
		rv = fault_calls >= at ? CKR_DEVICE_ERROR : CKR_OK;
	else if (strncmp(fault_now.all, "fail ", 5) == 0)
		rv = fault_by_name(name);
	if (rv != CKR_OK)
		fault_fired++;
	return rv;
}

/* What a call to this slot must answer, after fault_enter let it pass: one is
 * the order of then. */
static CK_RV
fault_at_slot(const char *one, CK_SLOT_ID slot)
{
	if (one[0] == '\0' || !fault_names(one, slot))
		return CKR_OK;
	return one[0] == 'i' ? CKR_DEVICE_ERROR : CKR_TOKEN_NOT_PRESENT;
}

/* What this call must answer. fault_leave comes after it in every case; the
 * order that stands is *out until then. */
static CK_RV
fault_enter(const char *name, int session_call,
    struct fault_orders *out)
{
	CK_RV rv;

	pthread_mutex_lock(&fault_lock);
	fault_refresh();
	rv = fault_decide(name, session_call);
	*out = fault_now;
	pthread_rwlock_rdlock(&fault_inside);
	pthread_mutex_unlock(&fault_lock);
	return rv;
}

static void
fault_leave(void)
{
	pthread_rwlock_unlock(&fault_inside);
}

unsigned long
pkcs11_fault_calls(void)
{
	unsigned long n;

	pthread_mutex_lock(&fault_lock);
	n = fault_calls;
	pthread_mutex_unlock(&fault_lock);
	return n;
}

unsigned long
pkcs11_fault_fired(void)
{
	unsigned long n;

	pthread_mutex_lock(&fault_lock);
	n = fault_fired;
	pthread_mutex_unlock(&fault_lock);
	return n;
}

/* One pass-through function: SESSION(C_Logout, (types and names), (names)). */
#define WRAP(name, session_call, params, args) \
	static CK_RV fault_##name params \
	{ \
		struct fault_orders orders; \
		CK_RV rv = fault_enter(#name, session_call, &orders); \
		if (rv == CKR_OK) \
			rv = real->name args; \
		fault_leave(); \
		return rv; \
	}
#define MODULE(name, params, args) WRAP(name, 0, params, args)
#define SESSION(name, params, args) WRAP(name, 1, params, args)

MODULE(C_Initialize, (void *a), (a))
MODULE(C_GetInfo, (CK_INFO *i), (i))
MODULE(C_GetMechanismList,
    (CK_SLOT_ID s, CK_MECHANISM_TYPE *l, CK_ULONG *n), (s, l, n))
MODULE(C_GetMechanismInfo,
    (CK_SLOT_ID s, CK_MECHANISM_TYPE t, CK_MECHANISM_INFO *i), (s, t, i))
SESSION(C_InitToken, (CK_SLOT_ID s, CK_UTF8CHAR *p, CK_ULONG n, CK_UTF8CHAR *l),
    (s, p, n, l))
SESSION(C_InitPIN, (CK_SESSION_HANDLE h, CK_UTF8CHAR *p, CK_ULONG n), (h, p, n))
SESSION(C_GetSessionInfo, (CK_SESSION_HANDLE h, CK_SESSION_INFO *i), (h, i))
SESSION(C_Login, (CK_SESSION_HANDLE h, CK_USER_TYPE u, CK_UTF8CHAR *p,
    CK_ULONG n), (h, u, p, n))
SESSION(C_Logout, (CK_SESSION_HANDLE h), (h))
SESSION(C_CreateObject, (CK_SESSION_HANDLE h, CK_ATTRIBUTE *t, CK_ULONG n,
    CK_OBJECT_HANDLE *o), (h, t, n, o))
SESSION(C_DestroyObject, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o), (h, o))
SESSION(C_GetAttributeValue, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE *t, CK_ULONG n), (h, o, t, n))
SESSION(C_SetAttributeValue, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE *t, CK_ULONG n), (h, o, t, n))
SESSION(C_FindObjectsInit, (CK_SESSION_HANDLE h, CK_ATTRIBUTE *t, CK_ULONG n),
    (h, t, n))
SESSION(C_FindObjects, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *o, CK_ULONG m,
    CK_ULONG *n), (h, o, m, n))
SESSION(C_FindObjectsFinal, (CK_SESSION_HANDLE h), (h))
SESSION(C_SignInit, (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE k),
    (h, m, k))
SESSION(C_DecryptInit, (CK_SESSION_HANDLE h, CK_MECHANISM *m,
    CK_OBJECT_HANDLE k), (h, m, k))
SESSION(C_Decrypt, (CK_SESSION_HANDLE h, CK_BYTE *i, CK_ULONG in, CK_BYTE *o,
    CK_ULONG *on), (h, i, in, o, on))
SESSION(C_GenerateKeyPair, (CK_SESSION_HANDLE h, CK_MECHANISM *m,
    CK_ATTRIBUTE *pub, CK_ULONG np, CK_ATTRIBUTE *prv, CK_ULONG nv,
    CK_OBJECT_HANDLE *po, CK_OBJECT_HANDLE *vo),
    (h, m, pub, np, prv, nv, po, vo))
SESSION(C_GenerateRandom, (CK_SESSION_HANDLE h, CK_BYTE *r, CK_ULONG n),
    (h, r, n))
SESSION(C_DeriveKey, (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE b,
    CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *o), (h, m, b, t, n, o))

static CK_RV
fault_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *arg,
    CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
	struct fault_orders orders;
	CK_RV rv = fault_enter("C_OpenSession", 1, &orders);

	if (rv == CKR_OK)
		rv = fault_at_slot(orders.one, slot);
	if (rv == CKR_OK)
		rv = real->C_OpenSession(slot, flags, arg, notify, out);
	fault_leave();
	return rv;
}

static CK_RV
fault_C_Sign(CK_SESSION_HANDLE h, CK_BYTE *p, CK_ULONG n, CK_BYTE *sig,
    CK_ULONG *sig_len)
{
	struct fault_orders orders;
	CK_RV rv = fault_enter("C_Sign", 1, &orders);

	if (rv == CKR_OK)
		rv = real->C_Sign(h, p, n, sig, sig_len);
	if (rv == CKR_OK && sig != NULL && strcmp(orders.all, "flip") == 0)
		sig[*sig_len / 2] ^= 1;
	fault_leave();
	return rv;
}

static CK_RV
fault_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	struct fault_orders orders;
	CK_RV rv = fault_enter("C_GetSlotList", 0, &orders);

	if (rv == CKR_OK && present && strcmp(orders.all, "gone") == 0)
		*n = 0;
	else if (rv == CKR_OK)
		rv = real->C_GetSlotList(present, list, n);
	fault_leave();
	return rv;
}

static CK_RV
fault_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	struct fault_orders orders;
	CK_RV rv = fault_enter("C_GetSlotInfo", 0, &orders);
	CK_RV here = fault_at_slot(orders.one, slot);

	if (rv == CKR_OK && here != CKR_TOKEN_NOT_PRESENT)
		rv = here;
	if (rv == CKR_OK)
		rv = real->C_GetSlotInfo(slot, info);
	if (rv == CKR_OK && (here != CKR_OK || strcmp(orders.all, "gone") == 0))
		info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
	fault_leave();
	return rv;
}

static CK_RV
fault_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	struct fault_orders orders;
	CK_RV rv = fault_enter("C_GetTokenInfo", 0, &orders);

	if (rv == CKR_OK && strcmp(orders.all, "gone") == 0)
		rv = CKR_TOKEN_NOT_PRESENT;
	if (rv == CKR_OK)
		rv = fault_at_slot(orders.one, slot);
	if (rv == CKR_OK)
		rv = real->C_GetTokenInfo(slot, info);
	if (rv == CKR_OK && strcmp(orders.all, "final-try") == 0)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	fault_leave();
	return rv;
}

static void
fault_fill_table(void)
{
	table = *real;
#define TAKE_OVER(name) table.name = fault_##name
	TAKE_OVER(C_Initialize);
	TAKE_OVER(C_GetInfo);
	TAKE_OVER(C_GetSlotList);
	TAKE_OVER(C_GetSlotInfo);
	TAKE_OVER(C_GetTokenInfo);
	TAKE_OVER(C_GetMechanismList);
	TAKE_OVER(C_GetMechanismInfo);
	TAKE_OVER(C_InitToken);
	TAKE_OVER(C_InitPIN);
	TAKE_OVER(C_OpenSession);
	TAKE_OVER(C_GetSessionInfo);
	TAKE_OVER(C_Login);
	TAKE_OVER(C_Logout);
	TAKE_OVER(C_CreateObject);
	TAKE_OVER(C_DestroyObject);
	TAKE_OVER(C_GetAttributeValue);
	TAKE_OVER(C_SetAttributeValue);
	TAKE_OVER(C_FindObjectsInit);
	TAKE_OVER(C_FindObjects);
	TAKE_OVER(C_FindObjectsFinal);
	TAKE_OVER(C_SignInit);
	TAKE_OVER(C_Sign);
	TAKE_OVER(C_DecryptInit);
	TAKE_OVER(C_Decrypt);
	TAKE_OVER(C_GenerateKeyPair);
	TAKE_OVER(C_GenerateRandom);
	TAKE_OVER(C_DeriveKey);
#undef TAKE_OVER
	table.C_GetFunctionList = C_GetFunctionList;
}

static CK_RV
fault_load(void)
{
	const char *path = getenv("CAMCA_FAULT_MODULE");
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *list = NULL;

	if (path == NULL ||
	    (fault_dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(fault_dl, "C_GetFunctionList");
	if (get == NULL || get(&list) != CKR_OK || list == NULL)
		return CKR_GENERAL_ERROR;
	real = list;
	fault_fill_table();
	return CKR_OK;
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&fault_lock);
	if (real == NULL)
		rv = fault_load();
	pthread_mutex_unlock(&fault_lock);
	if (rv == CKR_OK)
		*list = &table;
	return rv;
}
