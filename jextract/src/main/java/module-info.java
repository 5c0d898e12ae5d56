/** CUDA driver, NVRTC, cuBLAS and cuBLASLt as jextract binds them; no class touches a library when it loads. */
module dev.spandrel.cuda.bindings {
    exports dev.spandrel.cuda.bindings.cublas;
    exports dev.spandrel.cuda.bindings.cublaslt;
    exports dev.spandrel.cuda.bindings.driver;
    exports dev.spandrel.cuda.bindings.nvrtc;
}
