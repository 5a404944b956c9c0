/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/import_row.h"

static struct import_work w;
static struct refusal why;

static int
cell(const char *column, const char *value)
{
	int c = import_column_find(column, strlen(column));

	assert_true(c >= 0);
	return import_work_cell(&w, c, value, strlen(value), &why);
}

static void
test_columns(void **state)
{
	int i;

	(void)state;
	assert_int_equal(import_column_count(), 24);
	for (i = 0; i < import_column_count(); i++)
		assert_int_equal(import_column_find(import_column_name(i),
		    strlen(import_column_name(i))), i);
	assert_int_equal(import_column_find(" Serial ", 8),
	    import_column_find("serial", 6));
	assert_int_equal(import_column_find("seria", 5), CAMCA_EINVAL);
	assert_int_equal(import_column_find("", 0), CAMCA_EINVAL);
	assert_int_equal(import_column_find("   ", 3), CAMCA_EINVAL);
	assert_int_equal(import_column_find("mac\0", 4), CAMCA_EINVAL);
	i = import_column_find("site", 4);
	assert_true(import_column_required(i, false));
	assert_false(import_column_required(i, true));
	assert_true(import_column_required(import_column_find("model", 5),
	    true));
	assert_false(import_column_required(import_column_find("id", 2),
	    false));
}

/* Each cell goes where it belongs and nowhere else. */
static void
test_cells(void **state)
{
	const char *column;

	(void)state;
	import_work_init(&w, 9, NULL);
	assert_int_equal(cell("manufacturer", "Axis"), 0);
	assert_int_equal(cell("model", "P1"), 0);
	assert_int_equal(cell("serial", "A1"), 0);
	assert_int_equal(cell("site", "s1"), 0);
	assert_int_equal(cell("kind", "ra"), 0);
	assert_int_equal(cell("place", "public"), 0);
	assert_int_equal(cell("firmware", ""), 0);
	assert_int_equal(import_work_finish(&w, &column, &why), 0);
	assert_int_equal(w.row.line, 9);
	assert_int_equal(w.row.device.kind, DEVICE_RA);
	assert_int_equal(w.row.device.place, PLACE_PUBLIC);
	assert_string_equal(w.row.device.id, "s1-A1");
	assert_int_equal(w.row.ndocs, 0);
}

static void
test_cells_refused(void **state)
{
	(void)state;
	import_work_init(&w, 1, NULL);
	assert_int_equal(cell("place", "Public"), CAMCA_EINVAL);
	assert_int_equal(cell("mac", "00:40:8c:12:34:5f0"), CAMCA_EINVAL);
	assert_int_equal(cell("origin_sha256", "zz"), CAMCA_EINVAL);
	assert_int_equal(cell("assessment_passed", "1"), CAMCA_EINVAL);
	assert_int_equal(cell("assessment_expires", "soon"), CAMCA_EINVAL);
	assert_int_equal(import_work_cell(&w, import_column_find("model", 5),
	    "a\0b", 3, &why), CAMCA_EINVAL);
	assert_non_null(strstr(why.detail, "NUL"));
}

/* A column at fault is named even where the device as a whole was checked. */
static void
test_column_at_fault(void **state)
{
	const char *column;

	(void)state;
	import_work_init(&w, 1, "s1");
	assert_int_equal(cell("manufacturer", "Axis"), 0);
	assert_int_equal(cell("model", "P1"), 0);
	assert_int_equal(cell("serial", "A1"), 0);
	assert_int_equal(cell("hardware_id", "\x7f"), 0);
	assert_int_equal(import_work_finish(&w, &column, &why), CAMCA_EINVAL);
	assert_string_equal(column, "hardware_id");
	import_work_init(&w, 1, "a site whose name is far too long to be the "
	    "id of a site, sixty-four at most");
	assert_int_equal(cell("serial", "A1"), 0);
	assert_int_equal(import_work_finish(&w, &column, &why), CAMCA_EINVAL);
	assert_string_equal(column, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_cells_refused),
		cmocka_unit_test(test_column_at_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
