package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.ModelInfo;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * What {@code system_fingerprint} tells, in vLLM's modes.
 *
 * @param mode which of them
 * @param value of {@link Mode#CUSTOM}; empty for the others
 */
public record Fingerprint(Mode mode, Optional<String> value) {
    /** It is in every plain answer. */
    private static final int MAX_LENGTH = 256;

    /** As vLLM has it. */
    public static final Fingerprint DEFAULT = new Fingerprint(Mode.FULL, Optional.empty());

    /** vLLM's {@code --fingerprint-mode}. */
    public enum Mode {
        /** Version, degrees of parallelism above 1, of which this server has none, and hash. */
        FULL,
        /** Version and hash. */
        HASH,
        /** The operator's words. */
        CUSTOM,
        /** Null. */
        NONE
    }

    public Fingerprint {
        if (mode == Mode.CUSTOM && value.isEmpty()) {
            throw new IllegalArgumentException("--fingerprint-mode custom needs --fingerprint-value");
        }
        if (mode != Mode.CUSTOM && value.isPresent()) {
            throw new IllegalArgumentException("--fingerprint-value needs --fingerprint-mode custom");
        }
        if (value.filter(text -> text.isBlank() || text.length() > MAX_LENGTH).isPresent()) {
            throw new IllegalArgumentException("--fingerprint-value must have 1 to " + MAX_LENGTH
                    + " characters and not be blank, found " + value.get().length());
        }
    }

    /**
     * The fingerprint of a server; empty where it tells none.
     *
     * @param info what was loaded
     * @param engine how it was loaded
     * @param version of this server
     */
    public Optional<String> of(ModelInfo info, EngineConfig engine, String version) {
        return switch (mode) {
            case NONE -> Optional.empty();
            case CUSTOM -> value;
            case FULL, HASH -> Optional.of("spandrel-" + version + "-" + hash(info, engine));
        };
    }

    /** Equal ones mean the same model computed in the same way, so that a seed should reproduce. */
    private static String hash(ModelInfo info, EngineConfig engine) {
        CRC32 crc = new CRC32();
        String all = String.join(
                "|",
                info.name(),
                String.valueOf(info.root().getFileName()),
                info.architecture(),
                String.valueOf(info.parameters()),
                String.valueOf(info.maxModelLen()),
                info.backend(),
                engine.dtype(),
                engine.quantization(),
                engine.activationDType(),
                engine.kvCacheDType());
        crc.update(all.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }
}
