package dev.spandrel.server.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One container as the manifest has it.
 *
 * @param restarts whether the kubelet starts it again whenever it ends
 * @param probePort where its probes ask
 * @param startupSeconds how long it may take to be up
 * @param preStopSeconds what the kubelet sleeps before SIGTERM
 * @param mounts where its volumes are; all else is read-only when {@code readOnlyRoot}
 */
record PodContainer(
        String name,
        boolean restarts,
        List<String> arguments,
        Map<String, String> environment,
        int probePort,
        String startupPath,
        int startupSeconds,
        String readinessPath,
        int preStopSeconds,
        boolean readOnlyRoot,
        List<String> mounts) {
    private static final Pattern ENTRYPOINT = Pattern.compile("^ENTRYPOINT \\[(.*)]$", Pattern.MULTILINE);

    /**
     * The image's entry point with the manifest's arguments: the image's JVM flags, but this machine's Java, the jar from the
     * build, and no AOT cache, since that belongs to the image's own runtime.
     */
    List<String> command() throws IOException {
        Path images = Launcher.ROOT.resolve("k8s/images");
        String file = name.equals("sidecar") ? "Containerfile.sidecar" : "Containerfile.server-cpu";
        Matcher entry = ENTRYPOINT.matcher(Files.readString(images.resolve(file)));
        if (!entry.find()) {
            throw new AssertionError("no ENTRYPOINT in " + file);
        }
        String jar = Launcher.ROOT
                .resolve(name)
                .resolve("target/spandrel-" + name + ".jar")
                .toString();
        List<String> command = new ArrayList<>();
        for (String quoted : entry.group(1).split(", ")) {
            String word = quoted.substring(1, quoted.length() - 1);
            switch (word) {
                case "/opt/spandrel/runtime/bin/java" -> command.add(System.getProperty("java.home") + "/bin/java");
                case "@/opt/spandrel/jvm" -> {
                    command.add("@" + (name.equals("sidecar") ? sidecarOptions() : images.resolve("server.jvm")));
                    command.add("-Dspandrel.models=" + Launcher.ROOT.resolve("models"));
                }
                default -> {
                    if (word.endsWith(".jar")) {
                        command.add(jar);
                    } else if (!word.startsWith("-XX:AOTCache=")) {
                        command.add(word);
                    }
                }
            }
        }
        command.addAll(arguments);
        return command;
    }

    private static Path sidecarOptions() {
        return Launcher.ROOT.resolve("sidecar/jvm.options");
    }
}
