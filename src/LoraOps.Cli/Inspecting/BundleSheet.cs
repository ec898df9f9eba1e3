using LoraOps.Bundles;
using LoraOps.Cli.Output;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in a bundle.</summary>
internal static class BundleSheet
{
    /// <summary>Verifies a bundle and describes it.</summary>
    public static Sheet Inspect(string folder) => Of(folder).Add("verified", true);

    /// <summary>Describes an intact bundle from its manifest.</summary>
    public static Sheet Of(string folder)
    {
        var manifest = BundleVerifier.Read(folder);
        return new Sheet()
            .Add("kind", "bundle")
            .Add("path", folder)
            .Add("name", manifest.Name)
            .Add("made by", $"{manifest.Tool.Name} {manifest.Tool.Version}")
            .Add("form", manifest.Form)
            .Add("chip", manifest.Chip?.Name)
            .Add("base", manifest.Base?.Model.File)
            .Add("scheme", manifest.Quantization?.Scheme)
            .Add("bytes", Cell.Bytes(manifest.Files.Sum(file => file.Bytes)))
            .AddGrid("adapters", ["name", "weight", "digest"], manifest.Adapters.Select(adapter => new Cell[]
            {
                adapter.Name, adapter.Weight, Cell.Digest(adapter.Digest),
            }))
            .AddGrid("parity", ["step", "samples", "gate", "measured", "result"], manifest.Parity.SelectMany(check =>
                check.Gates.Select(gate => new Cell[]
                {
                    check.Step, check.Samples, gate.Limit, gate.Value, gate.Passed ? "pass" : "fail",
                })))
            .AddGrid("files", ["file", "bytes", "digest"], manifest.Files.Select(file => new Cell[]
            {
                file.Path, Cell.Bytes(file.Bytes), Cell.Digest(file.Sha256),
            }));
    }
}
