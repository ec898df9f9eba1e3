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
        var inlined = model.Inlined();
        var needed = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var folder = Directory.CreateTempSubdirectory("loraops-");
            try
            {
                var (made, lost) = Optimize(inlined, level, folder.FullName, needed);
                if (lost.Count == 0)
                    return made;

                needed.UnionWith(lost);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
    }

    private static (OnnxModel Made, IReadOnlyList<string> Lost) Optimize(OnnxModel model, GraphOptimization level, string folder, IReadOnlySet<string> needed)
    {
        var path = Path.Combine(folder, "optimized.onnx");
        var weights = AsideWeights.Of(model, folder, needed);
        var settings = new SessionSettings { Optimization = level, OptimizedModelPath = path, ExternalFolder = folder };
        OnnxSession.Open(weights.Model, settings).Dispose();

        // A message that says that its tensors lie in the folder is not for long.
        var made = OnnxModel.FromProto(OnnxModel.Load(path).Proto, model.Path);
        return (made, weights.PutBack(made));
    }
}
