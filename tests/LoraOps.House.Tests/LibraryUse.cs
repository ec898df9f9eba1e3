using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Readers.Peft;
using LoraOps.Writers;

namespace LoraOps.House.Tests;

/// <summary>The library as README.md shows it; a test compares the two.</summary>
internal static class LibraryUse
{
    /// <summary>Folds one adapter into the ONNX model of its base.</summary>
    public static void Merge(string folder, string output)
    {
        var adapter = PeftReader.Read(Path.Combine(folder, "adapters", "shanghai"));
        var model = OnnxModel.Load(Path.Combine(folder, "onnx", "torchscript", "model.onnx"));

        var conversion = MergedForm.Convert(model, [new(adapter)], new());
        foreach (var site in conversion.Sites)
            Console.WriteLine($"{site.Module}: {site.Initializer}, named by {site.Evidence[0]}");

        // Written beside its place and renamed: a killed process leaves the old file or none.
        using var staged = StagedOutput.ForFile(output, overwrite: false);
        conversion.Model.Save(staged.Path);
        staged.Commit();
    }
}
