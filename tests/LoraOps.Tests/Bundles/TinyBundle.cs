using LoraOps.Bundles;
using LoraOps.Testing;

namespace LoraOps.Tests.Bundles;

/// <summary>A bundle of two files that fits on a screen.</summary>
internal static class TinyBundle
{
    public static BundleManifest Manifest { get; } = new()
    {
        Name = "shanghai-orin-x",
        Form = "merged",
        Adapters = [new ManifestAdapter("shanghai", new string('a', 64), "bev-vit", 1)],
        Chip = new ManifestChip("orin-x", new string('b', 64)),
        Parity =
        [
            new ManifestCheck(
                "quantize", "fp32", 32, [new ManifestMetric("cosine", 0.9987), new ManifestMetric("sqnr", double.PositiveInfinity)],
                [new ManifestGate("cosine>=0.99", 0.9987, true)]),
        ],
    };

    public static string Write(TemporaryFolder folder, string name = "bundle", BundleManifest? manifest = null)
    {
        File.WriteAllText(folder["model.onnx"], "weights");
        File.WriteAllText(folder["notes.txt"], "Grüße\n");
        BundleWriter.Write(
            folder[name],
            [new BundleFile("notes/read me.txt", folder["notes.txt"]), new BundleFile("model.onnx", folder["model.onnx"])],
            manifest ?? Manifest,
            overwrite: true);
        return folder[name];
    }

    public static IEnumerable<string> Files(string bundle) =>
        Directory.EnumerateFiles(bundle, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
}
