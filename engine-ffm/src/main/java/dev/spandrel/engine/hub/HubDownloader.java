package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;

/** A model of the Hub into the local cache, several files at once. */
final class HubDownloader {
    /** More connections brought nothing in Hugging Face's own tool, which opens eight. */
    private static final int AT_ONCE = 4;

    private static final System.Logger LOG = System.getLogger(HubDownloader.class.getName());

    private final HubSettings settings;
    private final PrintStream out;
    private final boolean terminal;
    private final Pause pause;

    HubDownloader(HubSettings settings, PrintStream out, boolean terminal, Pause pause) {
        this.pause = pause;
        this.settings = settings;
        this.out = out;
        this.terminal = terminal;
    }

    /**
     * The folder of a model at a revision, fetched as far as it is not there.
     *
     * @throws EngineException.ModelLoad when it cannot be had, and why
     */
    Path fetch(String id, String revision, NeededFiles needed) {
        HubCache cache = new HubCache(settings.cache(), id);
        if (settings.offline()) {
            return cache.known(revision)
                    .orElseThrow(() -> new EngineException.ModelLoad(
                            id, "HF_HUB_OFFLINE is set and revision " + revision + " is not in " + settings.cache()));
        }
        try (HubClient client = new HubClient(settings)) {
            HubClient.Listing listing;
            try {
                listing = client.list(id, revision);
            } catch (IOException e) {
                Path known = cache.known(revision).orElseThrow(() -> unreachable(id, e));
                LOG.log(
                        System.Logger.Level.WARNING,
                        "cannot ask " + settings.endpoint() + " (" + e.getMessage()
                                + "); using what was fetched earlier: " + known);
                return known;
            }
            return fetch(client, cache, id, revision, listing, needed.of(id, listing.files()));
        } catch (IOException e) {
            throw new EngineException.ModelLoad(id, "cannot be written to " + settings.cache() + ": " + e);
        }
    }

    private EngineException.ModelLoad unreachable(String id, IOException e) {
        return new EngineException.ModelLoad(
                id,
                "no such folder, and " + settings.endpoint() + " cannot be reached: " + e + "; nothing of it is in "
                        + settings.cache());
    }

    private Path fetch(
            HubClient client,
            HubCache cache,
            String id,
            String revision,
            HubClient.Listing listing,
            List<HubFile> files)
            throws IOException {
        checkRoom(id, cache, files);
        long total = files.stream().mapToLong(HubFile::size).sum();
        Progress progress = new Progress(id, files.size(), total, out, terminal, System::nanoTime);
        List<Future<?>> running = new ArrayList<>();
        try (ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
                ExecutorService executor = Executors.newFixedThreadPool(AT_ONCE)) {
            Download download = new Download(client, settings, id, listing.commit(), progress, timer, pause);
            for (HubFile file : files) {
                running.add(executor.submit(() -> {
                    download.fetch(file, cache.blob(file));
                    cache.link(listing.commit(), file);
                    return null;
                }));
            }
            await(running, executor);
        }
        progress.finish();
        cache.remember(revision, listing.commit());
        return cache.snapshot(listing.commit());
    }

    private static void await(List<Future<?>> running, ExecutorService executor) throws IOException {
        try {
            for (Future<?> each : running) {
                each.get();
            }
        } catch (InterruptedException e) {
            executor.shutdownNow();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            executor.shutdownNow();
            if (e.getCause() instanceof EngineException refused) {
                throw refused;
            }
            throw new IOException(e.getCause());
        }
    }

    private static void checkRoom(String id, HubCache cache, List<HubFile> files) throws IOException {
        Path blobs = cache.blob(files.getFirst()).getParent();
        Files.createDirectories(blobs);
        long needed = 0;
        for (HubFile file : files) {
            needed += Files.exists(cache.blob(file)) ? 0 : file.size();
        }
        long available = Files.getFileStore(blobs).getUsableSpace();
        if (needed > available) {
            throw new EngineException.ModelLoad(
                    id, "needs " + needed + " bytes in " + blobs + ", found " + available + " available");
        }
    }
}
