using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Preparing;

/// <summary>Lets ONNX Runtime rewrite a model and reads back what it made.</summary>
internal static class RuntimeOptimizer
{
    /// <summary>The rewritten model, all its tensors inline, named as the original.</summary>
    /// <exception cref="LoraOpsException">The runtime refuses the model.</exception>
    public static OnnxModel Optimize(OnnxModel model, GraphOptimization level)
    {
        var folder = Directory.CreateTempSubdirectory("loraops-");
        try
        {
            var path = System.IO.Path.Combine(folder.FullName, "optimized.onnx");

            // What the runtime leaves external it would name relative to the temporary folder.
            OnnxSession.Open(model.Inlined(), new SessionSettings { Optimization = level, OptimizedModelPath = path }).Dispose();
            return OnnxModel.FromProto(OnnxModel.Load(path).Proto, model.Path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
