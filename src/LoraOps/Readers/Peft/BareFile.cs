using LoraOps.Problems;

namespace LoraOps.Readers.Peft;

/// <summary>Which path is an adapter without adapter_config.json: one safetensors file, or a folder that holds one.</summary>
internal static class BareFile
{
    private const string ConfigName = "adapter_config.json";
    private const string PeftPrefix = "adapter_model.";

    // diffusers' save_lora_adapter; it may lie beside other files of a pipeline.
    private const string UsualName = "pytorch_lora_weights.safetensors";

    /// <summary>The file, or null if the path is for PEFT's own reader.</summary>
    /// <exception cref="LoraOpsException">A folder holds several such files.</exception>
    public static string? Find(string path)
    {
        if (File.Exists(path))
            return IsPeft(path) ? null : path;

        if (!Directory.Exists(path) || HasConfig(path) || Directory.EnumerateDirectories(path).Any(HasConfig))
            return null;

        var files = Directory.EnumerateFiles(path, "*.safetensors").Order(StringComparer.Ordinal).Take(10).ToList();
        if (files.Count == 0 || files.Exists(IsWeights))
            return null;

        return files.Find(file => Path.GetFileName(file) == UsualName) ?? (files.Count == 1
            ? files[0]
            : throw new LoraOpsException(AdapterProblems.FolderAmbiguous(path, files.Select(file => Path.GetFileName(file)))));
    }

    /// <summary>The folder that PEFT's own reader looks into: the path, or where the named file of a PEFT folder lies.</summary>
    public static string FolderOf(string path) =>
        File.Exists(path) && IsPeft(path) ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;

    private static bool HasConfig(string folder) => File.Exists(Path.Combine(folder, ConfigName));

    private static bool IsWeights(string file) => Path.GetFileName(file).StartsWith(PeftPrefix, StringComparison.Ordinal);

    private static bool IsPeft(string file) => Path.GetFileName(file) == ConfigName ||
        (IsWeights(file) && HasConfig(Path.GetDirectoryName(Path.GetFullPath(file))!));
}
