package dev.spandrel.server.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What Linux gives a pod: a network of its own with one loopback for all containers, and for each container a file system that
 * is read-only but for its volumes. Where the machine does not allow one of these, {@link #refusal} says why.
 */
final class PodSandbox {
    /** Volumes lie where the manifest mounts them; the folders on the way there are made in memory. */
    private static final String READ_ONLY_ROOT = """
            set -e
            root=$1 data=$2 home=$3 mounts=$4; shift 4
            mount --rbind / "$root"
            for at in $mounts; do
              mkdir -p "$data/$at"
              if [ ! -d "$at" ]; then
                above=$(dirname "$at")
                while [ ! -d "$above" ]; do above=$(dirname "$above"); done
                mount -t tmpfs tmpfs "$root$above"
                mkdir -p "$root$at"
              fi
              mount --bind "$data/$at" "$root$at"
              case "$home/" in "$at"/*)
                # The build lies below a folder that a volume hides.
                mkdir -p "$root$home"
                mount --bind "$home" "$root$home" ;;
              esac
            done
            mount -o remount,bind,ro "$root"
            exec chroot "$root" "$@"
            """;

    private PodSandbox() {}

    /** Runs a command in a network of its own. */
    static List<String> inOwnNetwork(List<String> command) {
        List<String> all = new ArrayList<>(
                List.of("unshare", "--map-root-user", "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"));
        all.addAll(command);
        return all;
    }

    /** Runs a command with everything read-only but {@code mounts}, whose contents are below {@code data}. */
    static List<String> withReadOnlyRoot(List<String> command, List<String> mounts, Path data) throws IOException {
        Path root = Files.createDirectories(data.resolveSibling(data.getFileName() + "-root"));
        List<String> all = new ArrayList<>(List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                READ_ONLY_ROOT,
                "sh",
                root.toString(),
                data.toString(),
                Launcher.ROOT.toString(),
                String.join(" ", mounts)));
        all.addAll(command);
        return all;
    }

    /** Why a command cannot be wrapped like this here; empty when it can. */
    static String refusal(List<String> wrapped) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(wrapped).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes());
            if (!process.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return "it does not end";
            }
            return process.exitValue() == 0 ? "" : "exit code " + process.exitValue() + ": " + said.strip();
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
