package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.net.http.HttpClient;
import java.time.Duration;
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

    /** An exporter that connects when it first sends. */
    public static Exporter open(Signal signal, ExporterConfig config, Ticker ticker) {
        return switch (config.protocol()) {
            case GRPC -> new GrpcExporter(signal, config, channel(config).build());
            case HTTP_PROTOBUF, HTTP_JSON -> new HttpExporter(signal, config, client(), USER_AGENT, ticker);
        };
    }

    private static NettyChannelBuilder channel(ExporterConfig config) {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(
                        config.endpoint().host(), config.endpoint().port())
                .maxInboundMessageSize(MAX_RESPONSE_BYTES)
                .disableRetry()
                .userAgent(USER_AGENT);
        return config.endpoint().tls() ? builder.useTransportSecurity() : builder.usePlaintext();
    }

    private static HttpClient client() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
    }
}
