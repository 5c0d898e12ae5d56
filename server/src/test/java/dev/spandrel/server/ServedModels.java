package dev.spandrel.server;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.server.openai.ApiSettings;
import dev.spandrel.server.openai.Fingerprint;
import dev.spandrel.server.openai.RequestDefaults;
import dev.spandrel.server.openai.ServedModel;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What tests of the API package need of this one. */
public final class ServedModels {
    private ServedModels() {}

    /** The scripted model as {@link TestServer} serves it. */
    public static ServedModel scripted(ScriptedEngine engine) {
        return scripted(engine, settings(ApiSettings.DEFAULT_MAX_LOGPROBS, false));
    }

    /** The same with another {@code --max-logprobs}. */
    public static ServedModel scripted(ScriptedEngine engine, int maxLogprobs) {
        return scripted(engine, settings(maxLogprobs, false));
    }

    /**
     * What the scripted server offers.
     *
     * @param all what is off by default
     */
    static ApiSettings settings(int maxLogprobs, boolean all) {
        return new ApiSettings(
                List.of(),
                false,
                maxLogprobs,
                dev.spandrel.engine.Pooling.MEAN,
                Optional.empty(),
                false,
                all,
                all,
                all,
                Fingerprint.DEFAULT,
                RequestDefaults.NONE);
    }

    /** The same with what an operator says about requests. */
    static ApiSettings settings(RequestDefaults defaults) {
        return settings(defaults, Fingerprint.DEFAULT);
    }

    /** The same with another {@code system_fingerprint}. */
    static ApiSettings settings(RequestDefaults defaults, Fingerprint fingerprint) {
        ApiSettings plain = settings(ApiSettings.DEFAULT_MAX_LOGPROBS, false);
        return new ApiSettings(
                plain.servedModelNames(),
                plain.promptTokensDetails(),
                plain.maxLogprobs(),
                plain.pooling(),
                plain.toolCallFamily(),
                plain.requestIdHeaders(),
                plain.forceIncludeUsage(),
                plain.perRequestMetrics(),
                plain.tokenizerInfo(),
                fingerprint,
                defaults);
    }

    /** With other settings. */
    public static ServedModel scripted(ScriptedEngine engine, ApiSettings settings) {
        return new ServedModel(
                engine.model(),
                List.of("scripted", "alias"),
                1_700_000_000,
                64,
                false,
                settings,
                Optional.of(ToolCallFamily.HERMES),
                "1.2.3",
                settings.fingerprint()
                        .of(engine.model(), EngineConfig.of("scripted").build(), "1.2.3"));
    }

    /** The server's routes. */
    public static Map<String, String> methodsByPath() {
        return ApiRouting.methodsByPath();
    }
}
