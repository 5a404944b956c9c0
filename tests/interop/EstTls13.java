/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.3 under Bouncy Castle's EST client, with its lightweight TLS. Its JSSE
 * provider forgets the exporter's secret when the handshake ends; here the
 * binding (RFC 9266) is taken just before. */
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.CertPathValidator;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

import org.bouncycastle.est.ESTClient;
import org.bouncycastle.est.ESTClientProvider;
import org.bouncycastle.est.ESTRequest;
import org.bouncycastle.est.ESTResponse;
import org.bouncycastle.est.Source;
import org.bouncycastle.est.TLSUniqueProvider;
import org.bouncycastle.tls.ChannelBinding;
import org.bouncycastle.tls.DefaultTlsClient;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.ServerOnlyTlsAuthentication;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsServerCertificate;
import org.bouncycastle.tls.crypto.TlsCertificate;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;

public class EstTls13 implements ESTClientProvider, ESTClient {
	private final X509Certificate root;
	private final boolean stolen;   /* send another connection's binding */

	EstTls13(X509Certificate root, boolean stolen) {
		this.root = root;
		this.stolen = stolen;
	}

	public ESTClient makeClient() {
		return this;
	}

	public boolean isTrusted() {
		return true;
	}

	private class Client extends DefaultTlsClient {
		byte[] binding;

		Client() {
			super(new JcaTlsCryptoProvider()
			    .create(new SecureRandom()));
		}

		@Override
		protected ProtocolVersion[] getSupportedVersions() {
			return ProtocolVersion.TLSv13.only();
		}

		@Override
		public TlsAuthentication getAuthentication() {
			return new ServerOnlyTlsAuthentication() {
				public void notifyServerCertificate(
				    TlsServerCertificate c) throws IOException {
					verify(c.getCertificate()
					    .getCertificateList());
				}
			};
		}

		@Override
		public void notifyHandshakeComplete() throws IOException {
			super.notifyHandshakeComplete();
			binding = context.exportChannelBinding(
			    ChannelBinding.tls_exporter);
			if (stolen)
				binding[0] ^= 1;
		}
	}

	private void verify(TlsCertificate[] chain) throws IOException {
		List<Certificate> list = new ArrayList<>();

		try {
			CertificateFactory f =
			    CertificateFactory.getInstance("X.509");
			for (TlsCertificate c : chain)
				list.add(f.generateCertificate(
				    new ByteArrayInputStream(c.getEncoded())));
			PKIXParameters p = new PKIXParameters(
			    Collections.singleton(new TrustAnchor(root, null)));
			p.setRevocationEnabled(false);
			CertPathValidator.getInstance("PKIX")
			    .validate(f.generateCertPath(list), p);
		} catch (GeneralSecurityException e) {
			throw new IOException(e);
		}
	}

	private class Connection implements Source<Object>, TLSUniqueProvider {
		private final Client client = new Client();
		private final TlsClientProtocol tls;

		Connection(String host, int port) throws IOException {
			Socket s = new Socket(host, port);

			s.setSoTimeout(20000);
			tls = new TlsClientProtocol(s.getInputStream(),
			    s.getOutputStream());
			tls.connect(client);
		}
		public InputStream getInputStream() {
			return tls.getInputStream();
		}
		public OutputStream getOutputStream() {
			return tls.getOutputStream();
		}
		public Object getSession() {
			return null;
		}
		public void close() throws IOException {
			tls.close();
		}
		public boolean isTLSUniqueAvailable() {
			return true;
		}
		public byte[] getTLSUnique() {
			return client.binding;
		}
	}

	/* As the library's own client does it: the request is finished when the
	 * connection is there, and a login may take it over. */
	@SuppressWarnings({ "unchecked", "rawtypes" })
	public ESTResponse doRequest(ESTRequest r) throws IOException {
		URL url = r.getURL();
		Connection c = new Connection(url.getHost(), url.getPort());
		ByteArrayOutputStream out = new ByteArrayOutputStream();

		if (r.getListener() != null)
			r = r.getListener().onConnection((Source) c, r);
		out.write((r.getMethod() + " " + url.getPath() +
		    " HTTP/1.1\r\nHost: " + url.getAuthority() +
		    "\r\nConnection: close\r\n").getBytes(StandardCharsets.UTF_8));
		for (Map.Entry<String, String[]> e :
		    ((Map<String, String[]>) r.getHeaders()).entrySet())
			for (String v : e.getValue())
				out.write((e.getKey() + ": " + v + "\r\n")
				    .getBytes(StandardCharsets.UTF_8));
		out.write("\r\n".getBytes(StandardCharsets.UTF_8));
		r.writeData(out);
		c.getOutputStream().write(out.toByteArray());
		return r.getHijacker() != null ?
		    r.getHijacker().hijack(r, c) : new ESTResponse(r, c);
	}
}
