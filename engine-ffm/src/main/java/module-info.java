/** The inference engine: checkpoints in, tokens out. Only the root package is for others. */
module dev.spandrel.engine {
    requires dev.spandrel.cuda.bindings;
    requires java.net.http;
    requires jdk.management;
    requires tools.jackson.databind;
    requires static jdk.incubator.vector;

    exports dev.spandrel.engine;
}
