package dev.spandrel.sidecar.exporter;

import java.util.Locale;

/** How a destination is spoken to, with the words of {@code OTEL_EXPORTER_OTLP_PROTOCOL}. */
public enum Protocol {
    GRPC("grpc"),
    HTTP_PROTOBUF("http/protobuf"),
    HTTP_JSON("http/json"),
    /** Ours: gRPC, then http/protobuf, whichever is answered. */
    AUTO("auto");

    private final String word;

    Protocol(String word) {
        this.word = word;
    }

    public String word() {
        return word;
    }

    /**
     * The protocol of a setting.
     *
     * @param setting the name to blame
     */
    public static Protocol parse(String setting, String value) throws InvalidConfigException {
        for (Protocol protocol : values()) {
            if (protocol.word.equals(value.strip().toLowerCase(Locale.ROOT))) {
                return protocol;
            }
        }
        throw new InvalidConfigException(
                "%s is \"%s\", expected grpc, http/protobuf, http/json or auto".formatted(setting, value));
    }
}
