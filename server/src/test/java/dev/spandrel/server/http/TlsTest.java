package dev.spandrel.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import dev.spandrel.server.http.TlsFiles.ClientAuth;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS and mutual TLS: who gets in, what becomes of changed files, and clients that leave or do not read under it. */
@Timeout(120)
class TlsTest {
    private static final Duration OFTEN = Duration.ofMillis(20);

    @TempDir
    private static Path made;

    @TempDir
    private Path folder;

    private static TestCertificate first;
    private static TestCertificate second;
    private Path certificate;
    private Path key;

    @BeforeAll
    static void make() throws Exception {
        first = TestCertificate.make(made, "first", "RSA");
        second = TestCertificate.make(made, "second", "EC");
    }

    @BeforeEach
    void write() throws Exception {
        certificate = folder.resolve("tls.crt");
        key = folder.resolve("tls.key");
        first.write(certificate, key);
    }

    private TlsFiles files(ClientAuth auth) {
        return new TlsFiles(
                certificate, key, auth == ClientAuth.NONE ? Optional.empty() : Optional.of(certificate), auth);
    }

    private static int version(TestServer server, SSLContext context) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newBuilder().sslContext(context).build()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create("https://localhost:" + server.port() + "/version"))
                                    .timeout(Duration.ofSeconds(30))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .statusCode();
        }
    }

    @Test
    void whoTrustsTheCertificateIsServed() throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.NONE), Duration.ZERO);
                TestServer server = TestServer.start(new ScriptedEngine(), tls.tls())) {
            assertThat(version(server, first.client(null))).isEqualTo(200);
            assertThatThrownBy(() -> version(server, second.client(null))).isInstanceOf(SSLException.class);
        }
    }

    @Test
    void clientsMustShowTheirs() throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.REQUIRED), Duration.ZERO);
                TestServer server = TestServer.start(new ScriptedEngine(), tls.tls())) {
            assertThat(version(server, first.client(first))).isEqualTo(200);
            assertThatThrownBy(() -> version(server, first.client(null))).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> version(server, first.client(second))).isInstanceOf(IOException.class);
        }
    }

    @Test
    void clientsMayShowTheirs() throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.OPTIONAL), Duration.ZERO);
                TestServer server = TestServer.start(new ScriptedEngine(), tls.tls())) {
            assertThat(version(server, first.client(null))).isEqualTo(200);
            assertThat(version(server, first.client(first))).isEqualTo(200);
        }
    }

    @Test
    void changedFilesAreLoadedAgain() throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.NONE), OFTEN);
                TestServer server = TestServer.start(new ScriptedEngine(), tls.tls())) {
            assertThat(version(server, first.client(null))).isEqualTo(200);
            SSLContext trustsSecond = second.client(null);
            second.write(certificate, key);
            Waiting.until(() -> reaches(server, trustsSecond), "the new certificate is shown");
            assertThatThrownBy(() -> version(server, first.client(null))).isInstanceOf(SSLException.class);
        }
    }

    @Test
    void brokenFilesLeaveTheOldOnesInForce() throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.NONE), OFTEN);
                TestServer server = TestServer.start(new ScriptedEngine(), tls.tls())) {
            Files.writeString(certificate, "nonsense");
            assertThat(version(server, first.client(null))).isEqualTo(200);
            SSLContext trustsSecond = second.client(null);
            second.write(certificate, key);
            Waiting.until(() -> reaches(server, trustsSecond), "the certificate after the broken one is shown");
        }
    }

    private static boolean reaches(TestServer server, SSLContext context) {
        try {
            return version(server, context) == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void onlyTheNamedCipherSuitesAreUsed() throws Exception {
        String named = "TLS_AES_256_GCM_SHA384";
        TlsFiles files = new TlsFiles(certificate, key, Optional.empty(), ClientAuth.NONE, java.util.List.of(named));
        try (ReloadingTls tls = new ReloadingTls(files, Duration.ZERO);
                TestServer server = TestServer.start(new ScriptedEngine(), tls.tls())) {
            try (SSLSocket socket = connect(server)) {
                socket.startHandshake();
                assertThat(socket.getSession().getCipherSuite()).isEqualTo(named);
            }
            try (SSLSocket socket = connect(server)) {
                socket.setEnabledCipherSuites(new String[] {"TLS_AES_128_GCM_SHA256"});
                assertThatThrownBy(socket::startHandshake).isInstanceOf(IOException.class);
            }
        }
        assertThatThrownBy(() ->
                        new TlsFiles(certificate, key, Optional.empty(), ClientAuth.NONE, java.util.List.of("RC4")))
                .hasMessageContaining("--ssl-ciphers")
                .hasMessageContaining("\"RC4\"")
                .hasMessageContaining(named);
    }

    @Test
    void filesThatDoNotFitAreToldByName() throws Exception {
        Path other = folder.resolve("other.key");
        second.write(folder.resolve("other.crt"), other);
        assertThatThrownBy(() -> new TlsFiles(certificate, other, Optional.empty(), ClientAuth.NONE).load())
                .hasMessageContaining("--ssl-keyfile " + other)
                .hasMessageContaining("--ssl-certfile " + certificate);
        Path missing = folder.resolve("missing.pem");
        assertThatThrownBy(() -> new TlsFiles(missing, key, Optional.empty(), ClientAuth.NONE).load())
                .hasMessage("--ssl-certfile " + missing + " does not exist");
        assertThatThrownBy(() -> new TlsFiles(certificate, certificate, Optional.empty(), ClientAuth.NONE).load())
                .hasMessageContaining("expected an unencrypted PEM key")
                .hasMessageContaining("openssl pkcs8");
        assertThatThrownBy(() -> new TlsFiles(certificate, key, Optional.empty(), ClientAuth.REQUIRED))
                .hasMessageContaining("--ssl-ca-certs");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aClientThatLeavesIsNoticed(boolean stream) throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.NONE), Duration.ZERO);
                TestServer server =
                        TestServer.start(new ScriptedEngine().script(ScriptedGeneration::silent), tls.tls());
                SSLSocket socket = connect(server)) {
            post(socket, "{\"prompt\":\"a\",\"stream\":" + stream + "}");
            ScriptedGeneration generation = server.engine().submitted();
            generation.awaitReader();
            socket.shutdownOutput();
            generation.awaitClosed();
        }
    }

    @Test
    void aClientThatDoesNotReadIsGivenUp() throws Exception {
        try (ReloadingTls tls = new ReloadingTls(files(ClientAuth.NONE), Duration.ZERO);
                TestServer server =
                        TestServer.start(new ScriptedEngine().script(ScriptedGeneration::silent), tls.tls());
                SSLSocket socket = connect(server)) {
            post(socket, "{\"prompt\":\"a\",\"stream\":true}");
            ScriptedGeneration generation = server.engine().submitted();
            generation.send("x".repeat(16 * 1024 * 1024));
            generation.awaitClosed();
        }
    }

    private static SSLSocket connect(TestServer server) throws Exception {
        SSLSocket socket = (SSLSocket) first.client(null).getSocketFactory().createSocket("localhost", server.port());
        socket.setSoTimeout(20_000);
        return socket;
    }

    private static void post(SSLSocket socket, String body) throws IOException {
        socket.getOutputStream()
                .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n"
                                + body)
                        .getBytes(UTF_8));
        socket.getOutputStream().flush();
    }
}
