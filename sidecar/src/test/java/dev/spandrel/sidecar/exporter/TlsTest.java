package dev.spandrel.sidecar.exporter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Telemetry;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transport.EventLoops;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS and mutual TLS on both transports, against servers that demand a certificate of ours. */
@Timeout(120)
class TlsTest {
    private static final char[] PASSWORD = "password".toCharArray();

    @TempDir
    private static Path folder;

    private static KeyStore store;

    @BeforeAll
    static void makeCertificate() throws Exception {
        Path file = folder.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "a",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=dns:localhost,ip:127.0.0.1",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        new String(PASSWORD))
                .redirectErrorStream(true)
                .start();
        assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
        store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        Key key = store.getKey("a", PASSWORD);
        Files.writeString(folder.resolve("key.pem"), pem("PRIVATE KEY", key.getEncoded()));
        Files.writeString(
                folder.resolve("cert.pem"),
                pem("CERTIFICATE", store.getCertificate("a").getEncoded()));
    }

    private static String pem(String what, byte[] der) {
        String base64 = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                .encodeToString(der);
        return "-----BEGIN " + what + "-----\n" + base64 + "\n-----END " + what + "-----\n";
    }

    private static KeyManagerFactory keys() throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD);
        return keys;
    }

    private static TrustManagerFactory trust() throws Exception {
        KeyStore authorities = KeyStore.getInstance("PKCS12");
        authorities.load(null, null);
        authorities.setCertificateEntry("a", store.getCertificate("a"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(authorities);
        return trust;
    }

    private static Map<String, String> variables(String endpoint, String protocol, String... options) {
        Map<String, String> variables = new HashMap<>();
        variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        variables.put("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        for (String option : options) {
            String file = option.equals("CLIENT_KEY") ? "key.pem" : "cert.pem";
            variables.put("OTEL_EXPORTER_OTLP_" + option, folder.resolve(file).toString());
        }
        return variables;
    }

    private static SendResult send(Map<String, String> variables) throws Exception {
        ExporterConfig config =
                new OtlpEnvironment(variables, _ -> {}).exporter(Signal.TRACES).orElseThrow();
        try (EventLoops loops = EventLoops.open();
                Exporter exporter = Exporters.open(Signal.TRACES, config, Ticker.SYSTEM, loops)) {
            return exporter.send(
                    EncodedRequest.of(Signal.TRACES, Telemetry.spans(0, 3).toByteArray()));
        }
    }

    private static BindableService traces() {
        return new TraceServiceGrpc.TraceServiceImplBase() {
            @Override
            public void export(ExportTraceServiceRequest request, StreamObserver<ExportTraceServiceResponse> answer) {
                answer.onNext(ExportTraceServiceResponse.getDefaultInstance());
                answer.onCompleted();
            }
        };
    }

    @Test
    void grpcWithBothCertificatesIsLetInAndWithoutOursIsNot() throws Exception {
        Server server = NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        TlsServerCredentials.newBuilder()
                                .keyManager(keys().getKeyManagers())
                                .trustManager(trust().getTrustManagers())
                                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                                .build())
                .addService(traces())
                .build()
                .start();
        try {
            String endpoint = "grpcs://localhost:" + server.getPort();
            assertThat(send(variables(endpoint, "grpc", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE")))
                    .isInstanceOf(SendResult.Delivered.class);
            assertThat(send(variables(endpoint, "auto", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE")))
                    .isInstanceOf(SendResult.Delivered.class);
            assertThat(send(variables(endpoint, "grpc", "CERTIFICATE"))).isInstanceOf(SendResult.Retryable.class);
            assertThat(send(variables(endpoint, "grpc"))).isInstanceOf(SendResult.Retryable.class);
        } finally {
            server.shutdownNow();
        }
    }

    @Test
    void httpsWithBothCertificatesIsLetInAndWithoutOursIsNot() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys().getKeyManagers(), trust().getTrustManagers(), null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override
            public void configure(com.sun.net.httpserver.HttpsParameters parameters) {
                javax.net.ssl.SSLParameters ssl = context.getDefaultSSLParameters();
                ssl.setNeedClientAuth(true);
                parameters.setSSLParameters(ssl);
            }
        });
        server.createContext("/v1/traces", exchange -> {
            try (exchange) {
                exchange.getRequestBody().readAllBytes();
                exchange.sendResponseHeaders(200, -1);
            }
        });
        server.start();
        try {
            String endpoint = "https://localhost:" + server.getAddress().getPort();
            String[] all = {"CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"};
            assertThat(send(variables(endpoint, "http/protobuf", all))).isInstanceOf(SendResult.Delivered.class);
            assertThat(send(variables(endpoint, "auto", all))).isInstanceOf(SendResult.Delivered.class);
            assertThat(send(variables(endpoint, "http/json", "CERTIFICATE"))).isInstanceOf(SendResult.Retryable.class);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void halfAPairAndUnreadableFilesStopTheStart() {
        assertThatThrownBy(() -> send(variables("grpcs://localhost:1", "grpc", "CLIENT_KEY")))
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining("found only the key");
        Map<String, String> wrong = variables("grpcs://localhost:1", "grpc");
        wrong.put("OTEL_EXPORTER_OTLP_CERTIFICATE", folder.resolve("key.pem").toString());
        assertThatThrownBy(() -> send(wrong))
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining("key.pem");
    }
}
