/* SPDX-License-Identifier: Apache-2.0 */
/* XML namespaces of the messages, each with the prefix that requests use. */
#ifndef CAMCA_ONVIF_NAMES_H
#define CAMCA_ONVIF_NAMES_H

#define NS_ENV "http://www.w3.org/2003/05/soap-envelope"
#define NS_TDS "http://www.onvif.org/ver10/device/wsdl"
#define NS_TAS "http://www.onvif.org/ver10/advancedsecurity/wsdl"
#define NS_TT "http://www.onvif.org/ver10/schema"
#define NS_DN "http://www.onvif.org/ver10/network/wsdl"
#define NS_XML "http://www.w3.org/XML/1998/namespace"

#define NS_OASIS "http://docs.oasis-open.org/wss/2004/01/"
#define NS_WSSE NS_OASIS "oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define NS_WSU NS_OASIS "oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define WSSE_DIGEST NS_OASIS \
	"oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
#define WSSE_BASE64 NS_OASIS \
	"oasis-200401-wss-soap-message-security-1.0#Base64Binary"

/* WS-Discovery in the dialect of ONVIF (April 2005) and that of OASIS. */
#define NS_DISCO_2005 "http://schemas.xmlsoap.org/ws/2005/04/discovery"
#define NS_ADDR_2004 "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_DISCO_2009 "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01"
#define NS_ADDR_2005 "http://www.w3.org/2005/08/addressing"

#endif
