/* SPDX-License-Identifier: Apache-2.0 */
/* The EST client of Bouncy Castle, unchanged, against one server:
 *
 *   java EstClient PORT ROOT.pem FOLDER DEVICE:SECRET...
 *
 * Needs labels "pop" (proof of possession required) and "wait" (approval), and
 * six devices. Prints "ok NAME" or "not ok NAME: why" for each step, writes
 * each certificate to FOLDER; at "pending" it waits for a line on its input. */
import java.io.FileInputStream;
import java.io.FileWriter;
import java.net.Socket;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import java.util.Collections;
import javax.net.ssl.X509TrustManager;

import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.est.CSRRequestResponse;
import org.bouncycastle.est.ESTAuth;
import org.bouncycastle.est.ESTException;
import org.bouncycastle.est.ESTService;
import org.bouncycastle.est.ESTServiceBuilder;
import org.bouncycastle.est.EnrollmentResponse;
import org.bouncycastle.est.jcajce.ChannelBindingProvider;
import org.bouncycastle.est.jcajce.JcaHttpAuthBuilder;
import org.bouncycastle.est.jcajce.JcaJceUtils;
import org.bouncycastle.est.jcajce.JsseESTServiceBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.jsse.BCSSLSocket;
import org.bouncycastle.jsse.provider.BouncyCastleJsseProvider;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

public class EstClient {
	interface Step {
		void run() throws Exception;
	}

	/* A device with the key and certificate it has now. */
	static class Device {
		final String id;
		final String secret;
		KeyPair keys;
		X509CertificateHolder certificate;

		Device(String word) {
			id = word.substring(0, word.indexOf(':'));
			secret = word.substring(word.indexOf(':') + 1);
		}
	}

	static String server;
	static String folder;
	static X509Certificate root;
	static int failures;

	static void step(String name, Step body) {
		try {
			body.run();
			System.out.println("ok " + name);
		} catch (Throwable e) {
			failures++;
			System.out.println("not ok " + name + ": " + e);
		}
	}

	static void want(boolean holds, String what) throws Exception {
		if (!holds)
			throw new Exception(what);
	}

	/* ---- TLS ---- */

	static class Binding implements ChannelBindingProvider {
		public boolean canAccessChannelBinding(Socket s) {
			return s instanceof BCSSLSocket;
		}
		public byte[] getChannelBinding(Socket s, String name) {
			return ((BCSSLSocket) s).getConnection()
			    .getChannelBinding(name);
		}
	}

	/* The binding of another connection: what a thief would have. */
	static class Stolen extends Binding {
		@Override
		public byte[] getChannelBinding(Socket s, String name) {
			byte[] b = super.getChannelBinding(s, name).clone();
			b[0] ^= 1;
			return b;
		}
	}

	static JsseESTServiceBuilder builder(String label, String tls)
	    throws Exception {
		X509TrustManager[] trust = JcaJceUtils.getCertPathTrustManager(
		    Collections.singleton(new TrustAnchor(root, null)), null);
		JsseESTServiceBuilder b = new JsseESTServiceBuilder(server, trust);

		b.withTLSVersion(tls).withTimeout(20000);
		if (label != null)
			b.withLabel(label);
		return b;
	}

	static ESTService service(String label, String tls) throws Exception {
		return builder(label, tls).withProvider("BCJSSE")
		    .withChannelBindingProvider(new Binding()).build();
	}

	/* With the device's certificate as TLS client certificate. */
	static ESTService serviceOf(Device d, String tls) throws Exception {
		KeyStore store = KeyStore.getInstance("PKCS12");
		Certificate[] chain = { new JcaX509CertificateConverter()
		    .getCertificate(d.certificate) };

		store.load(null, null);
		store.setKeyEntry("me", d.keys.getPrivate(), new char[0], chain);
		return builder(null, tls).withProvider("BCJSSE")
		    .withChannelBindingProvider(new Binding())
		    .withKeyManagers(JcaJceUtils.createKeyManagerFactory("X.509",
		    "BCJSSE", store, new char[0]).getKeyManagers()).build();
	}

	/* ---- requests ---- */

	static void newKeys(Device d) throws Exception {
		KeyPairGenerator g = KeyPairGenerator.getInstance("EC");

		g.initialize(new ECGenParameterSpec("secp256r1"));
		d.keys = g.generateKeyPair();
	}

	static PKCS10CertificationRequestBuilder request(Device d) {
		X500Name name = d.certificate != null ?
		    d.certificate.getSubject() : new X500Name("CN=" + d.id);
		PKCS10CertificationRequestBuilder b =
		    new JcaPKCS10CertificationRequestBuilder(name,
		    d.keys.getPublic());

		if (d.certificate != null)
			b.addAttribute(
			    PKCSObjectIdentifiers.pkcs_9_at_extensionRequest,
			    new Extensions(d.certificate.getExtension(
			    Extension.subjectAlternativeName)));
		return b;
	}

	static ContentSigner signer(Device d) throws Exception {
		return new JcaContentSignerBuilder("SHA256withECDSA")
		    .build(d.keys.getPrivate());
	}

	static PKCS10CertificationRequest signed(Device d) throws Exception {
		return request(d).build(signer(d));
	}

	static ESTAuth secretOf(Device d) throws Exception {
		return new JcaHttpAuthBuilder(null, d.id,
		    d.secret.toCharArray()).setProvider("BC").build();
	}

	/* ---- answers ---- */

	/* One certificate, for the key that was asked for, under our root's
	 * authority; it becomes the device's. */
	static void take(Device d, EnrollmentResponse r, String file)
	    throws Exception {
		want(r.isCompleted(), "the answer is not complete");
		X509CertificateHolder[] all =
		    ESTService.storeToArray(r.getStore());
		want(all.length == 1, all.length + " certificates, not one");
		want(Arrays.equals(
		    all[0].getSubjectPublicKeyInfo().getEncoded(),
		    d.keys.getPublic().getEncoded()), "another key");
		want(d.certificate == null || d.certificate.getSubject()
		    .equals(all[0].getSubject()), "another subject");
		d.certificate = all[0];
		try (JcaPEMWriter w = new JcaPEMWriter(
		    new FileWriter(folder + "/" + file + ".pem"))) {
			w.writeObject(all[0]);
		}
	}

	static void refused(int status, Step body) throws Exception {
		try {
			body.run();
		} catch (ESTException e) {
			want(e.getStatusCode() == status, "HTTP " +
			    e.getStatusCode() + ", not " + status);
			return;
		}
		throw new Exception("accepted");
	}

	/* ---- steps ---- */

	static void cacerts(ESTService s) throws Exception {
		X509CertificateHolder[] all = ESTService.storeToArray(
		    s.getCACerts().getCertificateStore());
		X509CertificateHolder ours =
		    new X509CertificateHolder(root.getEncoded());

		want(all.length >= 2, all.length + " certificates");
		want(Arrays.asList(all).contains(ours), "our root is missing");
	}

	static void csrattrs(String label, boolean pop) throws Exception {
		CSRRequestResponse r = service(label, "TLSv1.3")
		    .getCSRAttributes();

		want(r.hasAttributesResponse(), "no attributes");
		want(r.getAttributesResponse().hasRequirement(
		    PKCSObjectIdentifiers.pkcs_9_at_challengePassword) == pop,
		    "challengePassword is " + (pop ? "not asked" : "asked"));
	}

	static void enroll(Device d, ESTService s, String file)
	    throws Exception {
		newKeys(d);
		take(d, s.simpleEnroll(false, signed(d), secretOf(d)), file);
	}

	/* The library speaks of tls-unique; on TLS 1.3 it is tls-exporter. */
	static ESTService popService(String tls, boolean stolen)
	    throws Exception {
		if (tls.equals("TLSv1.3"))
			return new ESTServiceBuilder(server).withLabel("pop")
			    .withClientProvider(new EstTls13(root, stolen))
			    .build();
		return builder("pop", tls).withProvider("BCJSSE")
		    .withChannelBindingProvider(stolen ? new Stolen() :
		    new Binding()).build();
	}

	static void enrollPop(Device d, String tls, String file)
	    throws Exception {
		newKeys(d);
		take(d, popService(tls, false).simpleEnrollPoP(false,
		    request(d), signer(d), secretOf(d)), file);
	}

	static void enrollStolen(Device d, String tls) throws Exception {
		newKeys(d);
		refused(403, () -> popService(tls, true).simpleEnrollPoP(false,
		    request(d), signer(d), secretOf(d)));
	}

	static void renew(Device d, String tls, boolean pop, String file)
	    throws Exception {
		ESTService s = serviceOf(d, tls);

		newKeys(d);
		take(d, pop ? s.simpleEnrollPoP(true, request(d), signer(d),
		    null) : s.simpleEnroll(true, signed(d), null), file);
	}

	static void waiting(Device d, String file) throws Exception {
		ESTService s = service("wait", "TLSv1.3");

		newKeys(d);
		EnrollmentResponse r = s.simpleEnroll(false, signed(d),
		    secretOf(d));
		want(!r.isCompleted(), "no wait");
		want(r.getNotBefore() <= System.currentTimeMillis() + 5000,
		    "Retry-After is not what the label says");
		System.out.println("pending " + d.id);
		want(System.in.read() >= 0, "nobody approved");
		r = s.simpleEnroll(r);
		take(d, r, file);
	}

	public static void main(String[] args) throws Exception {
		Device[] d = new Device[args.length - 3];

		Security.addProvider(new BouncyCastleProvider());
		Security.addProvider(new BouncyCastleJsseProvider());
		server = "localhost:" + args[0];
		folder = args[2];
		try (FileInputStream in = new FileInputStream(args[1])) {
			root = (X509Certificate) CertificateFactory
			    .getInstance("X.509").generateCertificate(in);
		}
		for (int i = 0; i < d.length; i++)
			d[i] = new Device(args[i + 3]);

		for (String tls : new String[] { "TLSv1.3", "TLSv1.2" })
			step("CA certificates, BCJSSE, " + tls,
			    () -> cacerts(service(null, tls)));
		step("CA certificates, the JDK's own TLS",
		    () -> cacerts(builder(null, "TLSv1.3").build()));
		step("CA certificates of a label",
		    () -> cacerts(service("pop", "TLSv1.3")));
		step("CSR attributes", () -> csrattrs(null, false));
		step("CSR attributes ask for proof of possession",
		    () -> csrattrs("pop", true));
		step("a request without a login is refused", () -> {
			newKeys(d[0]);
			refused(401, () -> service(null, "TLSv1.3")
			    .simpleEnroll(false, signed(d[0]), null));
		});
		step("enroll, TLS 1.3", () -> enroll(d[0],
		    service(null, "TLSv1.3"), "one"));
		step("enroll, TLS 1.2", () -> enroll(d[1],
		    service(null, "TLSv1.2"), "two"));
		step("enroll, the JDK's own TLS", () -> enroll(d[2],
		    builder(null, "TLSv1.3").build(), "three"));
		step("another connection's binding, TLS 1.3",
		    () -> enrollStolen(d[3], "TLSv1.3"));
		step("another connection's binding, TLS 1.2",
		    () -> enrollStolen(d[4], "TLSv1.2"));
		step("no proof where it is required", () -> {
			newKeys(d[3]);
			refused(403, () -> service("pop", "TLSv1.3")
			    .simpleEnroll(false, signed(d[3]),
			    secretOf(d[3])));
		});
		step("enroll with proof of possession, TLS 1.3",
		    () -> enrollPop(d[3], "TLSv1.3", "four"));
		step("enroll with proof of possession, TLS 1.2",
		    () -> enrollPop(d[4], "TLSv1.2", "five"));
		step("renew, TLS 1.3",
		    () -> renew(d[0], "TLSv1.3", false, "six"));
		step("renew, TLS 1.2",
		    () -> renew(d[1], "TLSv1.2", false, "seven"));
		step("renew with proof of possession, TLS 1.2",
		    () -> renew(d[1], "TLSv1.2", true, "eight"));
		step("enroll after approval", () -> waiting(d[5], "nine"));
		System.exit(failures == 0 ? 0 : 1);
	}
}
