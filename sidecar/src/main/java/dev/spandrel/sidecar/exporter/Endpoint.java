package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.Signal;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Where a signal is sent. {@code grpc://h:p} and {@code h:p} are plaintext unless the INSECURE setting says false;
 * {@code grpcs://} and {@code https://} are TLS; {@code http://} is plaintext (docs/decisions/0010).
 *
 * @param path of the HTTP request, with its leading slash; empty for gRPC
 */
public record Endpoint(String host, int port, boolean tls, String path) {
    private static final Set<String> SCHEMES = Set.of("grpc", "grpcs", "http", "https");
    private static final int GRPC_PORT = 4317;

    /**
     * Reads an endpoint setting.
     *
     * @param setting the name to blame
     * @param ownOfSignal whether the setting is of this signal alone, when an HTTP path is taken as it is; a general one
     *     is a base the signal's path is appended to
     * @param insecure the INSECURE setting, where there is one
     */
    static Endpoint parse(
            String setting,
            String text,
            Protocol protocol,
            Signal signal,
            boolean ownOfSignal,
            Optional<Boolean> insecure)
            throws InvalidConfigException {
        URI uri = uri(setting, text);
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        if (protocol.name().startsWith("HTTP") && scheme.equals("grpcs")) {
            throw new InvalidConfigException("%s is \"%s\", which is a gRPC address, but the protocol is %s"
                    .formatted(setting, text, protocol.word()));
        }
        boolean open = scheme.equals("http") || scheme.equals("grpc") && insecure.orElse(true);
        int port = uri.getPort() >= 0 ? uri.getPort() : defaultPort(scheme);
        String path = protocol == Protocol.GRPC ? "" : httpPath(uri, signal, ownOfSignal);
        return new Endpoint(uri.getHost(), port, !open, path);
    }

    private static URI uri(String setting, String text) throws InvalidConfigException {
        String full = text.contains("://") ? text.strip() : "grpc://" + text.strip();
        try {
            URI uri = new URI(full);
            if (uri.getHost() != null && SCHEMES.contains(uri.getScheme().toLowerCase(Locale.ROOT))) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // told below, with the forms that are allowed
        }
        throw new InvalidConfigException(
                "%s is \"%s\", expected host:port or a URL beginning with grpc://, grpcs://, http:// or https://"
                        .formatted(setting, text));
    }

    private static int defaultPort(String scheme) {
        return switch (scheme) {
            case "http" -> 80;
            case "https" -> 443;
            default -> GRPC_PORT;
        };
    }

    private static String httpPath(URI uri, Signal signal, boolean ownOfSignal) {
        String path = uri.getRawPath() == null ? "" : uri.getRawPath();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        if (ownOfSignal) {
            return (path.isEmpty() ? "/" : path) + query;
        }
        String base = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return base + signal.httpPath() + query;
    }

    /** Host and port as in a URL. */
    public String authority() {
        return (host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host) + ":" + port;
    }

    /** For people: a URL that says transport and encryption. */
    public String shown(Protocol protocol) {
        String scheme = switch (protocol) {
            case GRPC -> "grpc";
            case HTTP_PROTOBUF, HTTP_JSON -> "http";
            case AUTO -> "auto+http";
        };
        return scheme + (tls ? "s" : "") + "://" + authority() + path;
    }
}
