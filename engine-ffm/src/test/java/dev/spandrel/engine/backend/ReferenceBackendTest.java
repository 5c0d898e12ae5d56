package dev.spandrel.engine.backend;

/** The truth meets its own contract: what it says of rows alone and in batches holds for it too. */
class ReferenceBackendTest extends BackendContract {
    @Override
    protected Backend create(WeightPolicy policy) {
        return new ReferenceBackend(policy);
    }
}
