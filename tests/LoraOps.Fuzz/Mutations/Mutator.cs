using LoraOps.Testing;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Changes one to three things in the files of an input, by what each file is.</summary>
public static class Mutator
{
    private const int LargestResult = 4 << 20;

    /// <summary>A mutated copy.</summary>
    public static FuzzInput Mutate(FuzzInput input, IReadOnlyList<FuzzInput> corpus, Random random)
    {
        var files = input.Files.ToArray();

        // Half of the cases stay well formed, so that the meaning of files is reached.
        var isGentle = random.Next(2) == 0;
        for (var left = random.Next(1, 4); left > 0; left--)
        {
            var at = random.Next(files.Length);
            var other = OfSameKind(files[at].Path, corpus, random);
            var changed = isGentle ? Gently(files[at].Path, files[at].Bytes, random) : Change(files[at].Path, files[at].Bytes, other, random);
            if (changed.Length <= LargestResult)
                files[at] = (files[at].Path, changed);
        }

        return input with { Files = files };
    }

    private static byte[] OfSameKind(string path, IReadOnlyList<FuzzInput> corpus, Random random)
    {
        for (var tries = 0; tries < 8; tries++)
        {
            var input = corpus[random.Next(corpus.Count)];
            var file = input.Files[random.Next(input.Files.Count)];
            if (Path.GetExtension(file.Path) == Path.GetExtension(path))
                return file.Bytes;
        }

        return [];
    }

    private static byte[] Gently(string path, byte[] bytes, Random random) => Path.GetExtension(path) switch
    {
        ".safetensors" => SafetensorsMutations.Rebuilt(bytes, random) ?? bytes,
        ".bin" => ZipMutations.Mutate(bytes, [], random),
        ".json" => ConfigMutations.Mutate(bytes, random),
        _ => Change(path, bytes, bytes, random),
    };

    private static byte[] Change(string path, byte[] bytes, byte[] other, Random random)
    {
        if (random.Next(8) == 0)
            return ByteMutations.Mutate(bytes, other, random);

        return Path.GetExtension(path) switch
        {
            ".safetensors" => SafetensorsMutations.Mutate(bytes, other, random),
            ".bin" => ZipMutations.Mutate(bytes, other, random),
            ".onnx_adapter" => AdapterMutation.Of(bytes, random),
            ".npy" => NpyMutations.Mutate(bytes, other, random),
            ".json" when Path.GetFileName(path) == "adapter_config.json" && random.Next(4) > 0 => ConfigMutations.Mutate(bytes, random),
            ".json" => TextMutations.Mutate(bytes, random),
            _ => ByteMutations.Mutate(bytes, other, random),
        };
    }
}
