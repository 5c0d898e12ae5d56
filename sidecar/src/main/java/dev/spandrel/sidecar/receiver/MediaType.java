package dev.spandrel.sidecar.receiver;

import java.util.Locale;
import java.util.Optional;

/** The body encodings of OTLP/HTTP. */
enum MediaType {
    PROTOBUF("application/x-protobuf"),
    JSON("application/json");

    private final String type;

    MediaType(String type) {
        this.type = type;
    }

    String type() {
        return type;
    }

    /** The encoding a {@code Content-Type} names, parameters and case aside; empty where it is none of ours. */
    static Optional<MediaType> of(String contentType) {
        String bare = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        for (MediaType media : values()) {
            if (media.type.equals(bare)) {
                return Optional.of(media);
            }
        }
        return Optional.empty();
    }
}
