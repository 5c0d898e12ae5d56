package dev.spandrel.server.http;

import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.pki.PemReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * PEM files of a TLS listener: its certificate chain and key, and whom clients' certificates must come from.
 *
 * @param certificates chain, the server's own first
 * @param key PKCS#8, or PKCS#1 for RSA, not encrypted; may be the same file as the chain
 * @param clientAuthorities certificates that sign clients'; empty where clients need none
 * @param clientAuth whether clients must show one
 * @param ciphers cipher suites to be used, by their IANA names; empty for the JDK's
 */
public record TlsFiles(
        Path certificates, Path key, Optional<Path> clientAuthorities, ClientAuth clientAuth, List<String> ciphers) {
    /** What clients must show; vLLM's {@code --ssl-cert-reqs} 0, 1 and 2. */
    public enum ClientAuth {
        NONE,
        OPTIONAL,
        REQUIRED
    }

    public TlsFiles {
        Objects.requireNonNull(certificates, "certificates");
        Objects.requireNonNull(key, "key");
        ciphers = List.copyOf(ciphers);
        checkCiphers(ciphers);
        if (clientAuth != ClientAuth.NONE && clientAuthorities.isEmpty()) {
            throw new IllegalArgumentException(
                    "--ssl-cert-reqs asks for client certificates, but --ssl-ca-certs names nobody who signs them");
        }
    }

    /** With the JDK's cipher suites. */
    public TlsFiles(Path certificates, Path key, Optional<Path> clientAuthorities, ClientAuth clientAuth) {
        this(certificates, key, clientAuthorities, clientAuth, List.of());
    }

    private static void checkCiphers(List<String> ciphers) {
        List<String> known = supportedCiphers();
        for (String cipher : ciphers) {
            if (!known.contains(cipher)) {
                throw new IllegalArgumentException("--ssl-ciphers: this JDK has no cipher suite \"" + cipher
                        + "\"; it has " + String.join(", ", known));
            }
        }
    }

    /** Those that TLS 1.2 and 1.3 have, and that encrypt. */
    private static List<String> supportedCiphers() {
        try {
            return Stream.of(SSLContext.getDefault().getDefaultSSLParameters().getCipherSuites())
                    .filter(name -> !name.endsWith("_SCSV"))
                    .toList();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no TLS", e);
        }
    }

    /** What the files hold, ready for use. */
    record Loaded(X509ExtendedKeyManager keys, X509ExtendedTrustManager trust, X509Certificate certificate) {}

    /** All files there are. */
    List<Path> all() {
        return clientAuthorities
                .map(authorities -> List.of(certificates, key, authorities))
                .orElseGet(() -> List.of(certificates, key));
    }

    /**
     * Reads all files.
     *
     * @throws IllegalArgumentException naming the file that cannot be used, and why
     */
    Loaded load() {
        List<X509Certificate> chain = certificates(certificates, "--ssl-certfile");
        PrivateKey own = privateKey();
        try {
            checkPair(own, chain.getFirst().getPublicKey());
            KeyStore store = empty();
            store.setKeyEntry("server", own, new char[0], chain.toArray(X509Certificate[]::new));
            KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
            factory.init(store, new char[0]);
            return new Loaded((X509ExtendedKeyManager) factory.getKeyManagers()[0], trust(), chain.getFirst());
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalArgumentException(
                    "--ssl-keyfile " + key + " does not fit --ssl-certfile " + certificates + ": " + e.getMessage(), e);
        }
    }

    /** Key stores take any two; a client would be the first to notice. */
    private static void checkPair(PrivateKey own, PublicKey shown) throws GeneralSecurityException {
        if (!own.getAlgorithm().equals(shown.getAlgorithm())) {
            throw new GeneralSecurityException("one is " + own.getAlgorithm() + ", the other " + shown.getAlgorithm());
        }
        Signature signature = Signature.getInstance(
                switch (own.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> own.getAlgorithm();
                });
        signature.initSign(own);
        byte[] signed = signature.sign();
        signature.initVerify(shown);
        if (!signature.verify(signed)) {
            throw new GeneralSecurityException("the key is another certificate's");
        }
    }

    private X509ExtendedTrustManager trust() throws GeneralSecurityException, IOException {
        KeyStore store = empty();
        int count = 0;
        for (X509Certificate authority : clientAuthorities
                .map(path -> certificates(path, "--ssl-ca-certs"))
                .orElse(List.of())) {
            store.setCertificateEntry("authority-" + count++, authority);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return (X509ExtendedTrustManager) factory.getTrustManagers()[0];
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private PrivateKey privateKey() {
        readable(key, "--ssl-keyfile");
        try {
            return Keys.builder()
                    .pem(pem -> pem.key(Resource.create(key)))
                    .build()
                    .privateKey()
                    .orElseThrow(() -> new IllegalArgumentException("it holds no private key"));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "--ssl-keyfile " + key
                            + ": expected an unencrypted PEM key, PKCS#8 or RSA PKCS#1 (openssl pkcs8 -topk8"
                            + " -nodes makes one of any other); found: " + e.getMessage(),
                    e);
        }
    }

    private static List<X509Certificate> certificates(Path path, String flag) {
        readable(path, flag);
        try (InputStream in = Files.newInputStream(path)) {
            List<X509Certificate> found = PemReader.readCertificates(in);
            if (found.isEmpty()) {
                throw new IllegalArgumentException("it holds no certificate");
            }
            return found;
        } catch (IOException | RuntimeException e) {
            throw new IllegalArgumentException(
                    flag + " " + path + ": expected PEM certificates; found: " + e.getMessage(), e);
        }
    }

    private static void readable(Path path, String flag) {
        if (!Files.isReadable(path)) {
            throw new IllegalArgumentException(
                    flag + " " + path + (Files.exists(path) ? " cannot be read" : " does not exist"));
        }
    }
}
