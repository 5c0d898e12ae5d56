package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.openai.Fingerprint;
import dev.spandrel.server.openai.RequestDefaults;
import dev.spandrel.server.openai.RequestLog;
import dev.spandrel.server.telemetry.AttributeStyle;
import dev.spandrel.server.telemetry.DetailedTraces;
import dev.spandrel.server.telemetry.TraceSettings;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Flags: what they become, and what wrong ones get. */
class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void flagsBecomeTheConfig() {
        ServerConfig config = config(
                "folder/m",
                "--served-model-name",
                "a",
                "b",
                "--host=127.0.0.1",
                "--port=0",
                "--max-model-len=1k",
                "--max-num-seqs=3",
                "--max-num-batched-tokens=2K",
                "--block-size=8",
                "--no-enable-prefix-caching",
                "--no-async-scheduling",
                "--scheduling-policy=priority",
                "--kv-cache-memory-bytes=1M",
                "--backend=reference",
                "--threads=1",
                "--dtype=bfloat16",
                "--quantization=int8",
                "--activation-dtype=int8",
                "--no-amx",
                "--no-machine-code",
                "--seed=-5",
                "--max-logprobs=-1",
                "--no-http-spans",
                "--shutdown-timeout=7",
                "--otlp-traces-endpoint=grpc://h:1");
        assertThat(config.engine().model()).isEqualTo("folder/m");
        assertThat(config.engine().asyncScheduling()).isFalse();
        assertThat(config.api().servedModelNames()).isEqualTo(List.of("a", "b"));
        assertThat(config.host()).isEqualTo("127.0.0.1");
        assertThat(config.port()).isZero();
        assertThat(config.engine().maxModelLen()).isEqualTo(1000);
        assertThat(config.engine().maxNumSeqs()).isEqualTo(3);
        assertThat(config.engine().maxNumBatchedTokens()).isEqualTo(2048);
        assertThat(config.engine().blockSize()).isEqualTo(8);
        assertThat(config.engine().kvCacheBytes()).isEqualTo(1024 * 1024);
        assertThat(config.engine().backend()).isEqualTo("reference");
        assertThat(config.engine().threads()).isEqualTo(1);
        assertThat(config.engine().dtype()).isEqualTo("bfloat16");
        assertThat(config.engine().quantization()).isEqualTo("int8");
        assertThat(config.engine().activationDType()).isEqualTo("int8");
        assertThat(config.engine().amx()).isFalse();
        assertThat(config.engine().machineCode()).isFalse();
        assertThat(config.engine().seed()).isEqualTo(-5);
        assertThat(config.engine().prefixCaching()).isFalse();
        assertThat(config.engine().schedulingPolicy()).isEqualTo("priority");
        assertThat(config.api().maxLogprobs()).isEqualTo(-1);
        assertThat(config.httpSpans()).isFalse();
        assertThat(config.shutdownTimeout()).isEqualTo(Duration.ofSeconds(7));
        assertThat(config.otlp().endpoint().orElseThrow()).hasToString("http://h:1");
    }

    @Test
    void detailsComeAsListsAndRepeated() {
        ServerConfig config = config(
                "m",
                "--otlp-traces-endpoint=h:1",
                "--collect-detailed-traces=request,step",
                "--collect-detailed-traces",
                "all",
                "--span-attributes=gen_ai",
                "--trace-token-interval=8",
                "--trace-step-ratio=0.5",
                "--trace-baggage-keys=a,b");
        assertThat(config.tracing())
                .isEqualTo(new TraceSettings(
                        AttributeStyle.GEN_AI,
                        Set.of(
                                DetailedTraces.REQUEST,
                                DetailedTraces.STEP,
                                DetailedTraces.MODEL,
                                DetailedTraces.WORKER),
                        8,
                        0.5,
                        List.of("a", "b"),
                        0));
    }

    @Test
    void defaultsAreVllms() {
        ServerConfig config = config("--model", "m");
        assertThat(config.port()).isEqualTo(8000);
        assertThat(config.host()).isNull();
        assertThat(config.engine().maxModelLen()).isZero();
        assertThat(config.engine().prefixCaching()).isTrue();
        assertThat(config.httpSpans()).isTrue();
        assertThat(config.shutdownTimeout()).isZero();
    }

    @Test
    void aChatTemplateIsAFileOrTheTemplateItself(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("t.jinja"), "{{ messages[0].content }}\n");
        assertThat(config("m", "--chat-template", file.toString()).engine().chatTemplate())
                .isEqualTo("{{ messages[0].content }}\n");
        assertThat(config("m", "--chat-template", "{{ messages }}").engine().chatTemplate())
                .isEqualTo("{{ messages }}");
        assertThat(config("m").engine().chatTemplate()).isEmpty();
        Files.writeString(file, " \n");
        assertThat(run("serve", "m", "--chat-template", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("t.jinja\" is empty");
    }

    @Test
    void aGenerationConfigIsTheModelsNoneOrThatOfAFolder(@TempDir Path folder) throws Exception {
        assertThat(config("m").engine().generationConfig()).isEqualTo("auto");
        assertThat(config("m", "--generation-config=vllm").engine().generationConfig())
                .isEqualTo("vllm");
        String flag = "--generation-config=" + folder;
        assertThat(run("serve", "m", flag)).isEqualTo(2);
        assertThat(err.toString())
                .contains("expected a folder with generation_config.json, \"" + folder + "\" has none");
        Files.writeString(folder.resolve("generation_config.json"), "{}");
        assertThat(config("m", flag).engine().generationConfig()).isEqualTo(folder.toString());
    }

    @Test
    void whatTheOperatorSaysAboutRequests() {
        RequestDefaults defaults = config(
                        "m",
                        "--default-chat-template-kwargs={\"enable_thinking\": false, \"depth\": 2, \"none\": null}",
                        "--override-generation-config",
                        "{\"max_new_tokens\": 5, \"temperature\": 0.5, \"top_k\": -1, \"eos_token_id\": [3, 4]}",
                        "--enable-auto-tool-choice",
                        "--tool-call-parser=hermes")
                .api()
                .defaults();
        assertThat(defaults.chatTemplateKwargs())
                .containsEntry("enable_thinking", false)
                .containsEntry("depth", 2L)
                .containsEntry("none", null)
                .hasSize(3);
        assertThat(defaults.generation().maxNewTokens()).hasValue(5);
        assertThat(defaults.generation().temperature()).hasValue(0.5);
        assertThat(defaults.generation().topP()).isEmpty();
        assertThat(defaults.generation().topK()).hasValue(-1);
        assertThat(defaults.generation().stopTokenIds()).containsExactly(3, 4);
        assertThat(config("m").api().defaults()).isEqualTo(RequestDefaults.NONE);
    }

    @Test
    void whatAnswersTellOfTheirServer() {
        assertThat(config("m").api().fingerprint()).isEqualTo(Fingerprint.DEFAULT);
        assertThat(config("m", "--fingerprint-mode=hash").api().fingerprint().mode())
                .isEqualTo(Fingerprint.Mode.HASH);
        assertThat(config("m", "--fingerprint-mode=custom", "--fingerprint-value=deploy-42")
                        .api()
                        .fingerprint())
                .isEqualTo(new Fingerprint(Fingerprint.Mode.CUSTOM, Optional.of("deploy-42")));
    }

    @Test
    void whatIsLoggedOfRequests() {
        assertThat(config("m").listener().requestLog()).isEmpty();
        assertThat(config("m", "--enable-log-requests").listener().requestLog())
                .contains(new RequestLog.Settings(false, OptionalInt.empty()));
        assertThat(config("m", "--enable-log-requests", "--enable-log-outputs", "--max-log-len=9")
                        .listener()
                        .requestLog())
                .contains(new RequestLog.Settings(true, OptionalInt.of(9)));
    }

    @ParameterizedTest
    @CsvSource({"7,0", "0,2", "many,2"})
    void theMostChoicesComeFromAVariable(String value, int exitCode) {
        System.setProperty("vllm.max.n.sequences", value);
        try {
            if (exitCode == 0) {
                assertThat(config("m").api().defaults().maxN()).isEqualTo(7);
            } else {
                assertThat(run("serve", "m")).isEqualTo(exitCode);
                assertThat(err.toString())
                        .contains("VLLM_MAX_N_SEQUENCES must be")
                        .contains(value);
            }
        } finally {
            System.clearProperty("vllm.max.n.sequences");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "serve|no model",
                "serve m --port=x|--port",
                "serve m --otlp-traces-endpoint=h:1 --collect-detailed-traces=model,x|request, step, model, worker, all",
                "serve m --collect-detailed-traces=request|--otlp-traces-endpoint",
                "serve m --span-attributes=x|vllm, gen_ai, both",
                "serve m --trace-step-ratio=2|between 0 and 1",
                "serve m --trace-token-interval=-1|at least 0",
                "serve m --port=70000|--port must be between 0 and 65535",
                "serve m --max-num-seqs=0|--max-num-seqs must be at least 1",
                "serve m --threads=4096|--threads must be at most ",
                "serve m --max-model-len=1.5x|--max-model-len': expected a whole number",
                "serve m --max-model-len=9999999999|--max-model-len': expected a number of tokens of 31 bits, found",
                "serve m --nonsense|--nonsense",
                "serve a --model b|two models",
                "serve m --otlp-traces-endpoint=ftp://x|--otlp-traces-endpoint must be",
                "serve m --write-timeout=0|--write-timeout",
                "serve m --enable-log-outputs|--enable-log-outputs needs --enable-log-requests",
                "serve m --enable-log-requests --max-log-len=-1|--max-log-len must be at least 0, found -1",
                "serve m --enable-auto-tool-choice|--enable-auto-tool-choice needs --tool-call-parser",
                "serve m --generation-config=nowhere|there is no folder \"nowhere\"; auto is the model's own, vllm none",
                "serve m --chat-template-content-format=list|expected one of auto, string, openai, found list",
                "serve m --fingerprint-mode=FULL|expected full, hash, custom or none, found \"FULL\"",
                "serve m --fingerprint-mode=custom|--fingerprint-mode custom needs --fingerprint-value",
                "serve m --fingerprint-value=x|--fingerprint-value needs --fingerprint-mode custom",
                "serve m --chat-template=nowhere.jinja|there is no file \"nowhere.jinja\"",
                "serve m --chat-template=.|expected a file, found \".\"",
                "serve m --default-chat-template-kwargs=[1]|expected a JSON object, found [1]",
                "serve m --default-chat-template-kwargs={x|--default-chat-template-kwargs",
                "serve m --override-generation-config=5|expected a JSON object, found 5",
                "serve m --override-generation-config={\"best_of\":1}|expected keys among [eos_token_id, max_new_tokens",
                "serve m --override-generation-config={\"top_p\":\"x\"}|top_p: expected a number",
                "serve m --override-generation-config={\"temperature\":3}|temperature must be between 0 and 2",
                "serve m --override-generation-config={\"max_new_tokens\":0}|max_new_tokens must be at least 1",
                "serve m --override-generation-config={\"eos_token_id\":-1}|expected a token id",
                "client|PROMPT",
                "doctor --backend=tpu|--backend",
                "'' |missing command"
            })
    void wrongFlagsAreOneMessageAndExit2(String command, String message) {
        assertThat(run(command.isBlank() ? new String[0] : command.split(" "))).isEqualTo(2);
        assertThat(err.toString())
                .startsWith(command.isBlank() ? "spandrel: " : "spandrel " + command.split(" ")[0] + ": ")
                .contains(message)
                .doesNotContain("\tat ");
    }

    @Test
    void unknownProtocolIsOneLineAndExit2() {
        System.setProperty("otel.exporter.otlp.traces.protocol", "pigeon");
        try {
            assertThat(run("serve", "m")).isEqualTo(2);
            assertThat(err.toString().lines())
                    .containsExactly("spandrel serve: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be grpc or http/protobuf,"
                            + " found \"pigeon\"");
        } finally {
            System.clearProperty("otel.exporter.otlp.traces.protocol");
        }
    }

    @Test
    void helpNamesFlagsAndVariables() {
        assertThat(run("serve", "--help")).isZero();
        assertThat(out.toString())
                .contains("--otlp-traces-endpoint", "--max-num-seqs", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
                .contains(
                        "--chat-template=",
                        "--default-chat-template-kwargs",
                        "--override-generation-config",
                        "--generation-config=",
                        "--chat-template-content-format",
                        "--fingerprint-mode",
                        "VLLM_MAX_N_SEQUENCES");
        assertThat(run("client", "--help")).isZero();
        assertThat(run("--help")).isZero();
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).contains("spandrel-server dev");
    }

    @ParameterizedTest
    @CsvSource({"0,0", "12,12", "1k,1000", "1K,1024", "25.6k,25600", "2m,2000000", "1G,1073741824"})
    void magnitudes(String text, long number) {
        assertThat(Magnitudes.parse(text)).isEqualTo(number);
    }

    @Test
    void magnitudesThatAreNone() {
        assertThatThrownBy(() -> Magnitudes.parse("0.0001k")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Magnitudes.parse("-1")).isInstanceOf(IllegalArgumentException.class);
        assertThat(Magnitudes.of(125_239_296)).isEqualTo("125.2M");
        assertThat(Magnitudes.of(999)).isEqualTo("999");
        assertThat(Magnitudes.of(7_241_732_096L)).isEqualTo("7.2B");
    }

    private int run(String... args) {
        CommandLine line = Main.commandLine(_ -> {});
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return Main.run(line, args);
    }

    private static ServerConfig config(String... flags) {
        ServeCommand command = new ServeCommand(_ -> {});
        new CommandLine(command).parseArgs(flags);
        return command.config();
    }
}
