#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody removes camca's own account at a camera, while a new password waits
# for it in the vault: told by name, and the next enrollment makes it again.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq

cameras fleet -n 1 --persona=default --keygen-ms=50 || exit 1
agent_site
agent_camera cam-0 0
agent_start || exit 1
admin() { truth 0 '.users[] | select(.name == "admin") | .password' | tr -d '"'; }
soap() { # BODY: as the administrator
	curl -sk --digest -u "admin:$(admin)" -d '<s:Envelope
	    xmlns:s="http://www.w3.org/2003/05/soap-envelope"
	    xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Body>'"$1"'</s:Body></s:Envelope>' \
	    -H 'Content-Type: application/soap+xml' \
	    "https://127.0.0.1:$(camera_port 0 https)/onvif/device_service"
}
check "a camera is enrolled" equal "$(ended "$(job cam-0 enroll)")" "done"
check "our account is removed at the camera" grep -q DeleteUsersResponse \
    <(soap '<tds:DeleteUsers><tds:Username>camca-svc</tds:Username></tds:DeleteUsers>')
check "a rotation says so" equal "$(ended "$(job cam-0 rotate-password)")" \
    "failed camera.no-such"
check "another enrollment makes it again, with the password that waits" \
    equal "$(ended "$(job cam-0 enroll)")" "done"
check "which the vault has, and nothing waits" equal "$(vault_password cam-0 --account=camca-svc)" \
    "$(truth 0 '.users[] | select(.name == "camca-svc") | .password' | tr -d '"')"
finish
