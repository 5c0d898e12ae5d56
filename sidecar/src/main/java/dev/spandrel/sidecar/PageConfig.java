package dev.spandrel.sidecar;

import java.util.Optional;

/**
 * Where the trace page listens and who may see it.
 *
 * @param token what its address must carry
 * @param example a command that it offers while there is nothing to see
 */
record PageConfig(String host, int port, Optional<String> token, Optional<String> example) {
    PageConfig {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("trace page port is %d, expected 0 to 65535".formatted(port));
        }
        if (token.isPresent() && !token.get().matches("[A-Za-z0-9_-]{8,256}")) {
            throw new IllegalArgumentException(
                    "the token of the trace page must be 8 to 256 letters, digits, - or _ of ASCII");
        }
    }
}
