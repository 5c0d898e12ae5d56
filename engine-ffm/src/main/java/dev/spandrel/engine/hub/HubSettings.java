package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Where the Hub is and where its files are kept, by the environment variables of Hugging Face's own tools.
 *
 * @param endpoint {@code HF_ENDPOINT}
 * @param token {@code HF_TOKEN}, sent to the endpoint alone
 * @param cache {@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME}
 * @param offline {@code HF_HUB_OFFLINE}: use what is there and ask nobody
 * @param connectTimeout how long a connection and an answer's headers may take
 * @param readTimeout {@code HF_HUB_DOWNLOAD_TIMEOUT}: how long a file may bring no byte before it is asked for again
 * @param pause wait before the first of the repeated attempts; doubled each time
 */
public record HubSettings(
        URI endpoint,
        Optional<String> token,
        Path cache,
        boolean offline,
        Duration connectTimeout,
        Duration readTimeout,
        Duration pause) {
    private static final String PUBLIC_HUB = "https://huggingface.co";

    /**
     * Reads the variables; {@code userHome} holds the cache where none names it.
     *
     * @throws EngineException.ModelLoad when {@code HF_ENDPOINT} is no address
     */
    public static HubSettings of(Map<String, String> environment, Path userHome) {
        Path home = value(environment, "HF_HOME")
                .map(Path::of)
                .orElse(value(environment, "XDG_CACHE_HOME")
                        .map(Path::of)
                        .orElse(userHome.resolve(".cache"))
                        .resolve("huggingface"));
        String endpoint = value(environment, "HF_ENDPOINT").orElse(PUBLIC_HUB);
        return new HubSettings(
                endpoint(endpoint.endsWith("/") ? endpoint.substring(0, endpoint.length() - 1) : endpoint),
                value(environment, "HF_TOKEN"),
                value(environment, "HF_HUB_CACHE").map(Path::of).orElse(home.resolve("hub")),
                value(environment, "HF_HUB_OFFLINE")
                        .filter(flag -> flag.matches("(?i)1|true|yes|on"))
                        .isPresent(),
                Duration.ofSeconds(20),
                readTimeout(value(environment, "HF_HUB_DOWNLOAD_TIMEOUT").orElse("10")),
                Duration.ofMillis(500));
    }

    /** The same with the files kept elsewhere, as {@code --download-dir} says. */
    public HubSettings withCache(Path folder) {
        return new HubSettings(endpoint, token, folder, offline, connectTimeout, readTimeout, pause);
    }

    private static Duration readTimeout(String seconds) {
        if (!seconds.matches("[1-9]\\d{0,5}")) {
            throw new EngineException.ModelLoad(
                    "HF_HUB_DOWNLOAD_TIMEOUT", "expected whole seconds from 1 to 999999, found " + seconds);
        }
        return Duration.ofSeconds(Long.parseLong(seconds));
    }

    private static URI endpoint(String text) {
        try {
            URI uri = new URI(text);
            if (uri.getHost() != null && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // Told below, with what was found.
        }
        throw new EngineException.ModelLoad("HF_ENDPOINT", "expected an http or https address, found " + text);
    }

    private static Optional<String> value(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).map(String::strip).filter(text -> !text.isEmpty());
    }

    /** Without the token: it must not get into a log. */
    @Override
    public String toString() {
        return "HubSettings[endpoint=" + endpoint + ", token=" + (token.isPresent() ? "set" : "none") + ", cache="
                + cache + ", offline=" + offline + "]";
    }
}
