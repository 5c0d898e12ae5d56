package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transport.EventLoops;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes the exporter that a configuration asks for. The HTTP client is only touched where HTTP is spoken. */
public final class Exporters {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    /** Responses larger than this are refused, as the OTLP specification demands of clients. */
    private static final int MAX_RESPONSE_BYTES = 4 << 20;

    private static final String USER_AGENT = "spandrel-sidecar/"
            + Optional.ofNullable(Exporters.class.getPackage().getImplementationVersion())
                    .orElse("dev");

    private Exporters() {}

    /**
     * An exporter that connects when it first sends; TLS files that cannot be used are told of now. The loops stay their
     * owner's to close.
     */
    public static Exporter open(Signal signal, ExporterConfig config, Ticker ticker, EventLoops loops)
            throws InvalidConfigException {
        TlsMaterial tls = TlsMaterial.read(config);
        return switch (config.protocol()) {
            case GRPC -> grpc(signal, config, tls, loops);
            case HTTP_PROTOBUF, HTTP_JSON -> http(signal, config, tls, ticker);
            case AUTO ->
                new ProtocolSelector(List.of(
                        new ProtocolSelector.Candidate(Protocol.GRPC.word(), grpc(signal, config, tls, loops)),
                        new ProtocolSelector.Candidate(
                                Protocol.HTTP_PROTOBUF.word(), http(signal, config, tls, ticker))));
        };
    }

    private static Exporter grpc(Signal signal, ExporterConfig config, TlsMaterial tls, EventLoops loops) {
        return new GrpcExporter(signal, config, channel(config, tls, loops));
    }

    private static ManagedChannel channel(ExporterConfig config, TlsMaterial tls, EventLoops loops) {
        String host = config.endpoint().host();
        int port = config.endpoint().port();
        NettyChannelBuilder builder = config.endpoint().tls()
                ? NettyChannelBuilder.forAddress(host, port, credentials(tls).build())
                : NettyChannelBuilder.forAddress(host, port).usePlaintext();
        return loops.connect(builder)
                .maxInboundMessageSize(MAX_RESPONSE_BYTES)
                .disableRetry()
                .userAgent(USER_AGENT)
                .build();
    }

    private static TlsChannelCredentials.Builder credentials(TlsMaterial tls) {
        TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
        tls.trust().ifPresent(credentials::trustManager);
        tls.keys().ifPresent(credentials::keyManager);
        return credentials;
    }

    private static Exporter http(Signal signal, ExporterConfig config, TlsMaterial tls, Ticker ticker)
            throws InvalidConfigException {
        checkHeaders(signal, config);
        HttpClient.Builder client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_TIMEOUT);
        if (config.endpoint().tls()) {
            client.sslContext(tls.context());
        }
        return new HttpExporter(signal, config, client.build(), USER_AGENT, ticker);
    }

    /** The client refuses some names and characters, and would do so with every request. Values may be secrets, so they are not told. */
    private static void checkHeaders(Signal signal, ExporterConfig config) throws InvalidConfigException {
        HttpRequest.Builder request = HttpRequest.newBuilder();
        for (Map.Entry<String, String> header : config.headers().entrySet()) {
            try {
                request.setHeader(header.getKey(), header.getValue());
            } catch (IllegalArgumentException e) {
                throw new InvalidConfigException(
                        "the header \"%s\" for %s to %s cannot be sent: it is one that HTTP sets itself, or has characters that a header cannot have"
                                .formatted(header.getKey(), signal.word(), config.shown()));
            }
        }
    }
}
