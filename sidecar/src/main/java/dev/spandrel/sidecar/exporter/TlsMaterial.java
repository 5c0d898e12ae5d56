package dev.spandrel.sidecar.exporter;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * Whom to trust and who we are, read once at start from PEM files, for both transports. Absent files mean the JDK's own
 * authorities and no certificate of ours.
 */
final class TlsMaterial {
    private static final char[] NO_PASSWORD = {};

    /** A PEM key says nothing of its algorithm but in its encoding; these are tried in turn. */
    private static final String[] KEY_ALGORITHMS = {"RSA", "EC", "EdDSA"};

    private final Optional<TrustManager[]> trust;
    private final Optional<KeyManager[]> keys;

    private TlsMaterial(Optional<TrustManager[]> trust, Optional<KeyManager[]> keys) {
        this.trust = trust;
        this.keys = keys;
    }

    /** Reads the files a configuration names; one that cannot be used stops the start. */
    static TlsMaterial read(ExporterConfig config) throws InvalidConfigException {
        if (config.clientKey().isPresent() != config.clientCertificate().isPresent()) {
            throw new InvalidConfigException("CLIENT_KEY and CLIENT_CERTIFICATE are only of use together, found only "
                    + (config.clientKey().isPresent() ? "the key" : "the certificate"));
        }
        Optional<TrustManager[]> trust = Optional.empty();
        Optional<KeyManager[]> keys = Optional.empty();
        if (config.certificate().isPresent()) {
            trust = Optional.of(trustManagers(config.certificate().get()));
        }
        if (config.clientKey().isPresent()) {
            keys = Optional.of(keyManagers(
                    config.clientKey().get(), config.clientCertificate().orElseThrow()));
        }
        return new TlsMaterial(trust, keys);
    }

    Optional<TrustManager[]> trust() {
        return trust.map(TrustManager[]::clone);
    }

    Optional<KeyManager[]> keys() {
        return keys.map(KeyManager[]::clone);
    }

    /** A context of this material, for the HTTP client. */
    SSLContext context() throws InvalidConfigException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.orElse(null), trust.orElse(null), new SecureRandom());
            return context;
        } catch (GeneralSecurityException e) {
            throw new InvalidConfigException("TLS cannot be set up: " + e.getMessage());
        }
    }

    private static TrustManager[] trustManagers(Path file) throws InvalidConfigException {
        try {
            KeyStore store = emptyStore();
            int number = 0;
            for (Certificate certificate : certificates(file)) {
                store.setCertificateEntry("ca-" + number++, certificate);
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            return factory.getTrustManagers();
        } catch (IOException | GeneralSecurityException e) {
            throw unusable(file, "certificates in PEM", e);
        }
    }

    private static KeyManager[] keyManagers(Path keyFile, Path certificateFile) throws InvalidConfigException {
        try {
            KeyStore store = emptyStore();
            Certificate[] chain = certificates(certificateFile).toArray(Certificate[]::new);
            store.setKeyEntry("client", privateKey(keyFile), NO_PASSWORD, chain);
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(store, NO_PASSWORD);
            return factory.getKeyManagers();
        } catch (IOException | GeneralSecurityException e) {
            throw unusable(certificateFile, "the certificate of the client key in PEM", e);
        }
    }

    private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, NO_PASSWORD);
        return store;
    }

    private static Collection<? extends Certificate> certificates(Path file)
            throws IOException, GeneralSecurityException {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> found =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (found.isEmpty()) {
                throw new IOException("no certificate in it");
            }
            return found;
        }
    }

    private static PrivateKey privateKey(Path file) throws InvalidConfigException {
        try {
            String pem = Files.readString(file, StandardCharsets.US_ASCII);
            int begin = pem.indexOf("-----BEGIN PRIVATE KEY-----");
            int end = pem.indexOf("-----END PRIVATE KEY-----");
            if (begin < 0 || end < begin) {
                throw new IOException("no \"BEGIN PRIVATE KEY\" in it; openssl pkcs8 -topk8 -nocrypt makes one");
            }
            String base64 = pem.substring(begin + "-----BEGIN PRIVATE KEY-----".length(), end);
            return privateKey(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(base64)));
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw unusable(file, "an unencrypted PKCS#8 key in PEM", e);
        }
    }

    private static PrivateKey privateKey(PKCS8EncodedKeySpec encoded) throws GeneralSecurityException {
        for (String algorithm : KEY_ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
            } catch (InvalidKeySpecException e) {
                // not of this algorithm
            }
        }
        throw new InvalidKeySpecException("neither an RSA, an EC nor an EdDSA key");
    }

    private static InvalidConfigException unusable(Path file, String expected, Exception e) {
        return new InvalidConfigException("cannot use %s, expected %s: %s".formatted(file, expected, e));
    }
}
