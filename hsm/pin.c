/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ca/base/file.h"

#define PIN_MAP 4096   /* a page: HSM_PIN_MAX, a line end and a NUL fit */

static int
pin_alloc(struct hsm_pin *pin)
{
	void *p = mmap(NULL, PIN_MAP, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return CAMCA_ENOMEM;
	/* Best effort: RLIMIT_MEMLOCK may be 0, and that is no reason to stop
	 * a certificate authority. */
	if (mlock(p, PIN_MAP) != 0 || madvise(p, PIN_MAP, MADV_DONTDUMP) != 0)
		errno = 0;
	pin->text = p;
	pin->len = 0;
	return CAMCA_OK;
}

void
hsm_pin_fini(struct hsm_pin *pin)
{
	if (pin->text != NULL) {
		OPENSSL_cleanse(pin->text, PIN_MAP);
		munmap(pin->text, PIN_MAP);
	}
	pin->text = NULL;
	pin->len = 0;
}

int
hsm_pin_copy(const struct hsm_pin *from, struct hsm_pin *out)
{
	int ret = pin_alloc(out);

	if (ret < 0)
		return ret;
	memcpy(out->text, from->text, from->len);   /* the page is zeroed */
	out->len = from->len;
	return CAMCA_OK;
}

bool
hsm_pin_same(const struct hsm_pin *a, const struct hsm_pin *b)
{
	return a->len == b->len && a->text != NULL && b->text != NULL &&
	    CRYPTO_memcmp(a->text, b->text, a->len) == 0;
}

/* Cuts the line end that editors and echo leave, then looks at the rest. */
static int
pin_finish(struct hsm_pin *pin, const char *from, struct refusal *why)
{
	if (pin->len > 0 && pin->text[pin->len - 1] == '\n')
		pin->len--;
	if (pin->len > 0 && pin->text[pin->len - 1] == '\r')
		pin->len--;
	pin->text[pin->len] = '\0';
	if (pin->len == 0)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-empty",
		    "The token PIN from %s is empty.", from);
	if (pin->len > HSM_PIN_MAX)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-long",
		    "The token PIN from %s is longer than %d bytes.", from,
		    HSM_PIN_MAX);
	if (memchr(pin->text, '\0', pin->len) != NULL)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-nul",
		    "The token PIN from %s holds a NUL byte.", from);
	return CAMCA_OK;
}

/* Up to HSM_PIN_MAX + 2 bytes (CR LF), one more to see that it is too long. */
static int
pin_read_fd(int fd, struct hsm_pin *pin)
{
	ssize_t n;

	while (pin->len < HSM_PIN_MAX + 3) {
		n = read(fd, pin->text + pin->len, HSM_PIN_MAX + 3 - pin->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return CAMCA_EIO;
		if (n == 0)
			break;
		pin->len += (size_t)n;
	}
	return CAMCA_OK;
}

/* Looked at through the descriptor, so that the file that was checked is the
 * file that is read. */
static int
pin_check_file(int fd, const char *path, mode_t forbidden, struct refusal *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-file",
		    "PIN file %s is not a regular file.", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-owner",
		    "PIN file %s belongs to another user.", path);
	if (st.st_mode & forbidden)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-mode",
		    "PIN file %s may be used by group or others (mode %04o); "
		    "chmod 600.", path, (unsigned)(st.st_mode & 07777));
	return CAMCA_OK;
}

static int
pin_from_file(const char *path, mode_t forbidden, struct hsm_pin *pin,
    struct refusal *why)
{
	int fd, ret;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-file",
		    "PIN file %s: %s.", path, strerror(errno));
	ret = pin_check_file(fd, path, forbidden, why);
	if (ret == CAMCA_OK && pin_read_fd(fd, pin) < 0)
		ret = refuse(why, CAMCA_EPIN, 503, "hsm.pin-file",
		    "PIN file %s: %s.", path, strerror(errno));
	close(fd);
	return ret == CAMCA_OK ? pin_finish(pin, path, why) : ret;
}

/* systemd gives the service user its credentials by an access control list,
 * which shows in the group bits; only the bits for others can be trusted. */
static int
pin_from_credential(const char *name, struct hsm_pin *pin, struct refusal *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (dir == NULL || dir[0] != '/')
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-credential",
		    "There is no $CREDENTIALS_DIRECTORY for the PIN "
		    "credential %s.", name);
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ||
	    file_join(path, sizeof path, dir, name) < 0)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-credential",
		    "The name of the PIN credential is malformed.");
	return pin_from_file(path, S_IRWXO | S_IWGRP, pin, why);
}

static int
pin_from_env(const char *name, struct hsm_pin *pin, struct refusal *why)
{
	const char *value = getenv(name);

	if (value == NULL)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-env",
		    "The environment variable %s for the token PIN is not "
		    "set.", name);
	pin->len = strnlen(value, HSM_PIN_MAX + 3);
	memcpy(pin->text, value, pin->len);
	return pin_finish(pin, name, why);
}

/* One line without echo. Signals from the keyboard are off meanwhile, or ^C
 * would leave the terminal mute; ^C itself (0x03) cancels. */
static int
pin_read_line(int fd, struct hsm_pin *pin)
{
	ssize_t n;

	while (pin->len < HSM_PIN_MAX + 3) {
		n = read(fd, pin->text + pin->len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || pin->text[pin->len] == 0x03)
			return CAMCA_EIO;
		if (pin->text[pin->len++] == '\n')
			break;
	}
	return CAMCA_OK;
}

static int
pin_ask(int fd, struct hsm_pin *pin)
{
	static const char ask[] = "Token PIN: ";
	struct termios old, quiet;
	int ret;

	if (tcgetattr(fd, &old) != 0)
		return CAMCA_EIO;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
	quiet.c_lflag |= ICANON;
	quiet.c_iflag |= ICRNL;
	quiet.c_cc[VEOL] = 0x03;   /* hands ^C over without a line end */
	/* Flush: what was typed before the question is no answer to it. */
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return CAMCA_EIO;
	ret = write(fd, ask, sizeof ask - 1) < 0 ? CAMCA_EIO :
	    pin_read_line(fd, pin);
	if (tcsetattr(fd, TCSAFLUSH, &old) != 0 || write(fd, "\n", 1) < 0)
		ret = CAMCA_EIO;
	return ret;
}

static int
pin_from_prompt(struct hsm_pin *pin, struct refusal *why)
{
	int fd, ret;

	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-prompt",
		    "The token PIN cannot be asked for: no terminal.");
	ret = pin_ask(fd, pin);
	close(fd);
	if (ret < 0)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-prompt",
		    "The question for the token PIN was not answered.");
	return pin_finish(pin, "the prompt", why);
}

int
hsm_pin_read(const struct hsm_pin_source *src, struct hsm_pin *out,
    struct refusal *why)
{
	int ret = pin_alloc(out);

	if (ret < 0)
		return refuse_default(why, ret);
	if (src->file != NULL)
		ret = pin_from_file(src->file, S_IRWXG | S_IRWXO, out, why);
	else if (src->credential != NULL)
		ret = pin_from_credential(src->credential, out, why);
	else if (src->env != NULL)
		ret = pin_from_env(src->env, out, why);
	else if (src->prompt)
		ret = pin_from_prompt(out, why);
	else
		ret = refuse(why, CAMCA_EPIN, 503, "hsm.pin-missing",
		    "The token asks for a PIN and none is configured (file, "
		    "credential, environment or prompt).");
	if (ret < 0)
		hsm_pin_fini(out);
	return ret;
}
