#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Registering a site from a CSV file: ten thousand cameras, files with mistakes,
# all or nothing, labels.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq python3
est_init
camca_start
camca site add hn --name "Hà Nội" --level 1 >/dev/null
camca site add l3 --name "Level 3" --level 3 >/dev/null

SHA=$(printf x | sha256sum | cut -d' ' -f1)
rows() { # PREFIX COUNT SITE: a file of so many cameras
	awk -v p="$1" -v n="$2" -v s="$3" 'BEGIN { OFS = ","
	    print "id,manufacturer,model,serial,mac,site,place,firmware"
	    for (i = 1; i <= n; i++)
		print p "-" i, "Acme", "M1", p "S" i, sprintf("02:%02x:00:%02x:%02x:%02x",
		    length(p), i / 65536, i / 256 % 256, i % 256), s, "public", "1.2." i }'
}
devices() { # of a site
	camca --json device list --site "$1" --limit 100000 | jq '.items | length'
}
# import FILE [options]: the JSON answer in $TMP/answer
import() {
	camca --json device import "$@" >"$TMP/answer" 2>"$TMP/answer.err"
}
inserted() { jq -r .inserted "$TMP/answer"; }
bad() { jq -r '.errors[] | "\(.line) \(.column): \(.reason)"' "$TMP/answer"; }
# rejects WORDS COMMAND...: exit 1, and these words
rejects() {
	local words=$1 rc
	shift
	"$@" >"$TMP/said" 2>&1
	rc=$?
	cat "$TMP/said"
	[ $rc -eq 1 ] && grep -qE -- "$words" "$TMP/said"
}

# Ten thousand.
rows big 10000 hn >"$TMP/big.csv"
sed -i '1s/^/\xef\xbb\xbf/; s/$/\r/' "$TMP/big.csv"
check "10,000 rows, with BOM and CRLF" import "$TMP/big.csv"
check "all of them are registered" equal "$(inserted) $(devices hn)" '10000 10000'
BATCH=$(jq -r .batch "$TMP/answer")
check "one batch" equal "$(camca --json device list --batch "$BATCH" --limit 100000 |
    jq '.items | length')" 10000
check "each is an event of that batch" equal "$(events | grep -c "device.imported.*batch $BATCH")" 10000
check "values as they were" equal "$(camca --json device show big-777 | jq -c \
    '.device | [.manufacturer, .model, .serial, .mac, .site, .place, .firmware, .state]')" \
    '["Acme","M1","bigS777","02:03:00:00:03:09","hn","public","1.2.777","registered"]'
check "the same file again: every row is named, nothing changes" not import "$TMP/big.csv"
check "10,000 mistakes counted, the first 1,000 shown" equal \
    "$(jq -c '[.inserted, .error_count, (.errors | length)]' "$TMP/answer")" '[0,10000,1000]'
check "still 10,000" equal "$(devices hn)" 10000
HEAD=$(camca --json event list --limit 100000 | jq '.items | length')

# Mistakes by line and reason, and all or nothing.
cat >"$TMP/bad.csv" <<'CSV'
id,manufacturer,model,serial,mac,site,place,origin_number,origin_date,origin_sha256
n-1,Acme,M1,N1,,hn,public,,,
n-2,Acme,M1,,,hn,public,,,
n-3,Acme,M1,N3,00:11:22:33:44,hn,public,,,
n 4,Acme,M1,N4,,hn,public,,,
n-5,Acme,M1,N5,,nowhere,public,,,
n-6,Acme,M1,N6,,hn,roof,,,
n-7,Acme,M1,N7,,hn
n-1,Acme,M1,N8,,hn,public,,,
n-9,Acme,M1,N1,,hn,public,,,
big-1,Acme,M1,N10,,hn,public,,,
n-11,Acme,M1,bigS1,,hn,public,,,
n-12,Acme,M1,N12,,hn,public,C-1,2026-02-30,abc
"n-13","Acme","two
lines",N13,,hn,public,,,
n-14,Acme,M1,N14,,hn,public,,,
CSV
check "a file with mistakes is refused" not import "$TMP/bad.csv"
check "nothing of it is registered" equal "$(inserted) $(devices hn)" '0 10000'
check_not "not even its good rows" camca device show n-1
check "no event of it" equal "$(camca --json event list --limit 100000 | jq '.items | length')" "$HEAD"
line() { # LINE WORDS
	check "line $1: $2" grep -qE "^$1 .*$2" <(bad)
}
line 3 serial
line 4 mac
line 5 id
line 6 'no site nowhere'
line 7 place
line 8 'fields'
line 9 'line 2'
line 10 'line 2'
line 11 'there is a device big-1'
line 12 'has this manufacturer'
line 13 'origin_'
line 14 'model'
check "good rows are not named" equal "$(bad | grep -cE '^(1|2|15|16) ')" 0
check "people read file, line, column and reason" rejects "bad.csv:6: .*no site nowhere" \
    camca device import "$TMP/bad.csv"
check "--partial takes the good ones" not import "$TMP/bad.csv" --partial
check "and says how many" equal "$(inserted) $(devices hn)" '2 10002'
check "the same mistakes" grep -qE '^6 .*nowhere' <(bad)
check "they are there" camca device show n-14
check_not "the others are not" camca device show n-3

# Files that are no such list.
is_bad() { # NAME WORDS < FILE
	cat >"$TMP/f.csv"
	check "$1" rejects "$2" camca device import "$TMP/f.csv"
}
is_bad "an unknown column" 'colour' <<<'manufacturer,model,serial,site,colour'
is_bad "a column twice" 'serial' <<<'manufacturer,model,serial,site,serial'
is_bad "a column that is missing" 'serial' <<<'manufacturer,model,site'
is_bad "no header" '.' <<<'Acme,M1,1,hn'
is_bad "an empty file" 'empty' </dev/null
is_bad "semicolons" '.' <<<'manufacturer;model;serial;site'
is_bad "not UTF-8" 'f.csv.*2|line 2|UTF-8' < <(printf 'manufacturer,model,serial,site\nAcme,M\xff,1,hn\n')
is_bad "a NUL" '.' < <(printf 'manufacturer,model,serial,site\nAcme,M\0,1,hn\n')
is_bad "UTF-16" '.' < <(printf 'manufacturer,model,serial,site\n' | iconv -t UTF-16LE)
is_bad "a quote that never ends" '.' <<<$'manufacturer,model,serial,site\n"Acme,M1,1,hn'
is_bad "17 MB" 'large|bytes' < <(rows x 1 hn; head -c 17000000 /dev/zero | tr '\0' a)
is_bad "100,001 rows" '100000|100,000|rows' < <(awk 'BEGIN { print "manufacturer,model,serial,site"
    for (i = 0; i <= 100000; i++) print "A,M,q" i ",hn" }')
is_bad "bidirectional marks" '.' < <(printf 'manufacturer,model,serial,site\nAcme,M\xe2\x80\xae1,1,hn\n')
check_not "no such file" camca device import "$TMP/none.csv"
check "a header alone registers nothing" import <(echo manufacturer,model,serial,site)
check "nothing of all that is there" equal "$(devices hn)" 10002

# What is left out is filled in; columns come in any order; Vietnamese is kept.
printf 'serial,site,model,manufacturer\nV-1,,"Cửa ""A"", tầng 2",Công ty\n' >"$TMP/v.csv"
check "default site, made-up id, quotes, any order" import "$TMP/v.csv" --site hn
check "as it was written" equal "$(camca --json device show hn-V-1 |
    jq -c '.device | [.model, .manufacturer]')" '["Cửa \"A\", tầng 2","Công ty"]'

# Documents come with the rows; they are events and open the door of level 3.
{
	printf 'id,manufacturer,model,serial,site'
	for k in origin quality assessment; do
		printf ',%s_number,%s_date,%s_issuer,%s_sha256' $k $k $k $k
	done
	printf ',assessment_expires,assessment_passed\n'
	printf 'd-1,Acme,M1,D1,l3,O-1,2026-01-02,Office,%s,Q-1,2026-01-03,Office,%s,A-1,%s,Lab,%s,,yes\n' \
	    "$SHA" "$SHA" "$(date -u -d '-9 days' +%F)" "$SHA"
	printf 'd-2,Acme,M1,D2,l3,O-2,2026-01-02,Office,%s,,,,,,,,,,\n' "$SHA"
} >"$TMP/docs.csv"
check "rows with documents" import "$TMP/docs.csv"
check "each document is an event" equal "$(events d-1 | grep -c device.document)" 3
check "with number, issuer and hash" event_has \
    "type device.document .*kind origin number O-1 issuer Office .*sha256 $SHA" d-1
check "the assessment with its outcome" event_has 'kind assessment .*passed yes' d-1
check "they are on record" equal "$(camca --json device show d-1 | jq '.documents | length')" 3
SECRET=$(camca --json enroll secret d-1 | jq -r .secret)
check "level 3: admitted by them" enroll d-1 "$TMP/d1"
SECRET=$(camca --json enroll secret d-2 | jq -r .secret)
csr "$TMP/d2"
check "level 3: one of them is not enough" refuses 403 'quality' simpleenroll \
    "$TMP/d2" -u "d-2:$SECRET"

# Labels, in the same run.
rows lab 300 hn >"$TMP/lab.csv"
{ cat "$TMP/lab.csv"; printf 'lab-x,"<script>alert(1)</script>","@SUM(A1)","=cmd|x",,hn,other,1\n'; } >"$TMP/lab2.csv"
check "300 cameras and one with odd names, with labels" import "$TMP/lab2.csv" --labels-csv \
    "$TMP/labels.csv" --labels-html "$TMP/labels.html"
check "301 labels" equal "$(jq -r .labels "$TMP/answer")" 301
check "no secret in the answer" sh -c "! grep -qE '([A-Z2-7]{4}-){6}[A-Z2-7]{4}' '$TMP/answer'"
check "files for their owner only" equal "$(stat -c %a "$TMP/labels.csv" "$TMP/labels.html" |
    tr '\n' ' ')" '600 600 '
read_labels() { # column COLUMN of each label
	python3 -c 'import csv, sys
for r in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")):
    print(r[sys.argv[2]])' "$TMP/labels.csv" "$1"
}
check "the CSV has a secret for each" equal "$(read_labels secret | sort -u |
    grep -cE '^([A-Z2-7]{4}-){6}[A-Z2-7]{4}$')" 301
check "no cell is a formula" equal "$(python3 -c 'import csv, sys
print(sum(c[:1] in "=+-@\t\r" and c != "" for r in csv.reader(open(sys.argv[1], newline=""))
    for c in r))' "$TMP/labels.csv")" 0
check "the page has them all" equal "$(sed 's/<[^>]*>//g' "$TMP/labels.html" |
    grep -oE '([A-Z2-7]{4}-){6}[A-Z2-7]{4}' | sort -u | wc -l)" 301
check "nothing in the page runs or is loaded" sh -c \
    "! grep -qiE '<script|src=[\"'\\'']?http|@import|url\(http|<link' '$TMP/labels.html'"
SECRET=$(read_labels secret | sed -n 5p)
check "a label's secret enrolls its camera" enroll "$(read_labels device | sed -n 5p)" "$TMP/lab5"
csr "$TMP/lab6"
check "and no other" refuses 401 'wrong' simpleenroll "$TMP/lab6" -u \
    "lab-9:$(read_labels secret | sed -n 6p)"
mkdir "$TMP/folder"
BEFORE=$(events | grep -c secret.made)
check "labels into a folder: refused" rejects 'is a folder' camca device labels \
    --site hn --csv "$TMP/folder"
check "labels of a site that is not there: refused" rejects 'no site' \
    camca device labels --site hm --csv "$TMP/none.csv"
check "no secret was replaced for that" equal "$(events | grep -c secret.made)" "$BEFORE"
check "a file that is refused makes no labels" not import "$TMP/bad.csv" --labels-csv "$TMP/none.csv"
check_not "none at all" test -e "$TMP/none.csv"

# Twice at once: one of them registers them.
rows twin 500 hn >"$TMP/twin.csv"
camca --json device import "$TMP/twin.csv" >"$TMP/t1" 2>&1 & A=$!
camca --json device import "$TMP/twin.csv" >"$TMP/t2" 2>&1 & B=$!
wait $A $B
check "the same file twice at once: once registered" equal \
    "$(jq -r .inserted "$TMP/t1" "$TMP/t2" | sort -n | tr '\n' ' ')" '0 500 '
restart_authority
check "a restart loses none" equal "$(devices hn)" $((10002 + 1 + 301 + 500))
finish
