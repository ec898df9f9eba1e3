using LoraOps.Runtime.Adapters;
using LoraOps.Runtime.Routing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.House.Tests;

/// <summary>Switching as README.md shows it; a test compares the two.</summary>
internal static class SwitchUse
{
    /// <summary>Serves one image with the adapters of several cities.</summary>
    public static void Serve(string folder, float[] image)
    {
        using var manager = AdapterManager.Open(Path.Combine(folder, "model.onnx"), new AdapterSettings { CacheBytes = 256 << 20 });
        foreach (var file in Directory.EnumerateFiles(folder, "*.onnx_adapter"))
            manager.Load(Path.GetFileNameWithoutExtension(file), file);

        // 10 % of the vehicles in Guangzhou try the new adapter, always the same ones.
        var routes = RouteTable.Read(Path.Combine(folder, "routes.json"));
        var inputs = new Dictionary<string, OrtValue> { ["pixel_values"] = OrtValue.CreateTensorValueFromMemory(image, [1, 1, 8, 8]) };
        foreach (var city in new[] { "shanghai", "guangzhou", "beijing" })
        {
            var id = routes.Route("vehicle-7", new Dictionary<string, string> { ["city"] = city });
            using var outputs = manager.Run(id, inputs);
            var logits = outputs.Floats("logits");
            Console.WriteLine($"{city}: {id} says {Array.IndexOf(logits, logits.Max())}");
        }

        // A newer file under the same id: requests that are under way finish with the old one.
        manager.Load("shanghai", Path.Combine(folder, "shanghai.onnx_adapter"));
    }
}
