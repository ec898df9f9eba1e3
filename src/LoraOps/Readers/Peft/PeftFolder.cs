using System.Buffers.Binary;
using System.Security.Cryptography;
using LoraOps.Problems;

namespace LoraOps.Readers.Peft;

/// <summary>The files of one saved adapter.</summary>
internal sealed record PeftFolder
{
    private const string ConfigName = "adapter_config.json";
    private const string WeightsName = "adapter_model.safetensors";
    private const string PickleName = "adapter_model.bin";

    private PeftFolder(string path) => Path = path;

    /// <summary>The folder that holds the config.</summary>
    public string Path { get; }

    /// <summary>The config's path.</summary>
    public string Config => System.IO.Path.Combine(Path, ConfigName);

    /// <summary>The weights' path: safetensors, or the pickle where that is all there is, as PEFT chooses.</summary>
    public string Weights => !File.Exists(Safe) && File.Exists(Pickled) ? Pickled : Safe;

    /// <summary>True if there is also a pickle, which is not read.</summary>
    public bool HasUnreadPickle => File.Exists(Safe) && File.Exists(Pickled);

    /// <summary>The folder's own name: what PEFT called the adapter, if it was not called default.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    private string Safe => System.IO.Path.Combine(Path, WeightsName);

    private string Pickled => System.IO.Path.Combine(Path, PickleName);

    /// <summary>Finds the config here or in exactly one sub-folder.</summary>
    /// <exception cref="LoraOpsException">The folder or the config is missing, or there are several.</exception>
    public static PeftFolder Find(string folder)
    {
        if (!Directory.Exists(folder))
            throw new LoraOpsException(FileProblems.FileMissing(folder));

        if (File.Exists(System.IO.Path.Combine(folder, ConfigName)))
            return new PeftFolder(folder);

        var named = Directory.GetDirectories(folder)
            .Where(inner => File.Exists(System.IO.Path.Combine(inner, ConfigName)))
            .Order(StringComparer.Ordinal)
            .ToList();
        return named.Count switch
        {
            1 => new PeftFolder(named[0]),
            0 => throw new LoraOpsException(AdapterProblems.ConfigMissing(folder)),
            _ => throw new LoraOpsException(AdapterProblems.FolderAmbiguous(
                folder, named.Take(10).Select(System.IO.Path.GetFileName).OfType<string>())),
        };
    }

    /// <summary>The problem with the weights' file that needs no look inside, or null.</summary>
    public Problem? WeightsProblem() => File.Exists(Weights) ? null : AdapterProblems.WeightsMissing(Path);

    /// <summary>SHA-256 over the config and then the weights, each preceded by its length as 8 little-endian bytes.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        foreach (var path in (string[])[Config, Weights])
        {
            using var file = InputFile.Open(path);
            BinaryPrimitives.WriteInt64LittleEndian(buffer, file.Length);
            hash.AppendData(buffer, 0, sizeof(long));
            for (int read; (read = file.Read(buffer)) > 0;)
                hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
