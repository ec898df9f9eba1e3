using System.IO.Compression;
using System.Text;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.TorchPickle;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.TorchPickle;

public sealed class TorchFileTests : IDisposable
{
    private const string Prefix = "\u0080\u0002";
    private const string Dict = "ccollections\nOrderedDict\n)";
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string, ProblemCode> Refused => new()
    {
        { "protocol 4", "\u0080\u0004}.", ProblemCode.TorchPickleRefused },
        { "an opcode of a later protocol", Prefix + "}\u0094.", ProblemCode.TorchPickleRefused },
        { "a name that is never called", Prefix + "cos\nsystem\n0}.", ProblemCode.TorchPickleRefused },
        { "a name like an allowed one", Prefix + "ctorch\nSize \n.", ProblemCode.TorchPickleRefused },
        { "a call with other arguments", Prefix + "ccollections\nOrderedDict\n(K\u0001tR.", ProblemCode.TorchPickleRefused },
        { "state of a tuple", Prefix + "(t}b.", ProblemCode.TorchPickleRefused },
        { "a persistent text", Prefix + "X\u0001\0\0\0aQ.", ProblemCode.TorchPickleRefused },
        { "shapes of texts", Prefix + Tensor("U\u0001a\u0085", "K\u0001\u0085"), ProblemCode.TorchPickleRefused },
        { "a dictionary as argument", Prefix + "ctorch\nSize\n}R.", ProblemCode.TorchPickleRefused },
        { "an empty stack", Prefix + ".", ProblemCode.TorchPickleInvalid },
        { "a pop below a mark", Prefix + "K\u0001(\u0085t.", ProblemCode.TorchPickleInvalid },
        { "no mark", Prefix + "t.", ProblemCode.TorchPickleInvalid },
        { "an item of a number", Prefix + "K\u0001K\u0002a.", ProblemCode.TorchPickleInvalid },
        { "half a pair", Prefix + "}(K\u0001u.", ProblemCode.TorchPickleInvalid },
        { "bytes after the end", Prefix + "}.}", ProblemCode.TorchPickleInvalid },
        { "values left over", Prefix + "}}.", ProblemCode.TorchPickleInvalid },
        { "a long of 9 bytes", Prefix + "\u008A\u0009\0\0\0\0\0\0\0\0\0.", ProblemCode.TorchPickleInvalid },
        { "a text that is no UTF-8", Prefix + "X\u0001\0\0\0\u00FF.", ProblemCode.TorchPickleInvalid },
        { "a name without end", Prefix + "ctorch", ProblemCode.TorchPickleInvalid },
        { "a list", Prefix + "].", ProblemCode.TorchNoStateDict },
        { "a number by name", Prefix + "}U\u0001aK\u0001s.", ProblemCode.TorchNoStateDict },
        { "a tensor by number", Prefix + "}K\u0001" + Tensor("K\u0002\u0085", "K\u0001\u0085")[..^1] + "s.", ProblemCode.TorchNoStateDict },
        {
            "one name twice", Prefix + "}" + Named("K\u0002\u0085", "K\u0001\u0085") + Named("K\u0002\u0085", "K\u0001\u0085") + ".",
            ProblemCode.TorchNoStateDict
        },
        { "a storage that is not there", Prefix + "}" + Named("K\u0002\u0085", "K\u0001\u0085", key: "7") + ".", ProblemCode.TorchTensorInvalid },
        { "a storage of another size", Prefix + "}" + Named("K\u0002\u0085", "K\u0001\u0085", count: "K\u0005") + ".", ProblemCode.TorchTensorInvalid },
        { "a row too many", Prefix + "}" + Named("K\u0003\u0085", "K\u0002\u0085") + ".", ProblemCode.TorchTensorInvalid },
        { "one element many times", Prefix + "}" + Named("J\0\0\0\u0040\u0085", "K\0\u0085") + ".", ProblemCode.TorchTensorInvalid },
        { "more sizes than strides", Prefix + "}" + Named("K\u0001K\u0002\u0086", "K\u0001\u0085") + ".", ProblemCode.TorchTensorInvalid },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Refused))]
    public void Refuses_a_pickle_with(string what, string pickle, ProblemCode code)
    {
        var error = Assert.Throws<LoraOpsException>(() => TorchFile.Read(Archive(pickle)));
        Assert.True(code == Assert.Single(error.Problems).Code, $"{what}: {error.Message}");
    }

    [Fact]
    public void Reads_views_states_and_wrapped_tensors()
    {
        var view = Tensor("K\u0002K\u0002\u0086", "K\u0001K\u0002\u0086")[..^1];
        var wrapped = "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch.nn.parameter\nParameter\n"
            + $"({Storage("0", "K\u0004")}K\u0001K\u0003\u0085K\u0001\u0085\u0089{Dict}Rt}}tR";
        var pickle = $"{Prefix}{Dict}R(U\u0001a{view}U\u0001b{wrapped}u}}U\u0009_metadata}}sb.";
        var tensors = TorchFile.Read(Archive(pickle));

        Assert.Equal(["a", "b"], tensors.Select(tensor => tensor.Name));
        Assert.Equal([1, 3, 2, 4], tensors[0].ToFloats());
        Assert.Equal([2, 3, 4], tensors[1].ToFloats());
    }

    [Fact]
    public void Reads_types_without_a_storage_of_their_own()
    {
        var pickle = Prefix + "}U\u0001actorch._utils\n_rebuild_tensor_v3\n((U\u0007storagectorch.storage\nUntypedStorage\nU\u00010U\u0003cpuK\u0010tQ"
            + "K\u0004K\u0003\u0085K\u0001\u0085\u0089" + Dict + "Rctorch\nfloat8_e4m3fn\ntRs.";
        var tensor = Assert.Single(TorchFile.Read(Archive(pickle)));
        Assert.Equal(ElementType.F8E4M3, tensor.Type);
        Assert.Equal(new byte[] { 0, 0, 0 }, tensor.ToBytes()[..1].Concat(new byte[2]));
    }

    [Theory]
    [InlineData("compressed")]
    [InlineData("big")]
    [InlineData("two folders")]
    [Raises(ProblemCode.TorchArchiveInvalid)]
    public void Refuses_an_archive_that_PyTorch_does_not_write(string kind)
    {
        var path = kind switch
        {
            "compressed" => Archive(Prefix + "}.", CompressionLevel.Optimal),
            "big" => Archive(Prefix + "}.", more: ("a/byteorder", "big")),
            _ => Archive(Prefix + "}.", more: ("b/data.pkl", Prefix + "}.")),
        };
        var error = Assert.Throws<LoraOpsException>(() => TorchFile.Read(path));
        Assert.Equal(ProblemCode.TorchArchiveInvalid, Assert.Single(error.Problems).Code);
    }

    [Fact]
    public void Reads_zip64_directories()
    {
        var bytes = File.ReadAllBytes(Archive(Prefix + "}" + Named("K\u0004\u0085", "K\u0001\u0085") + "."));
        var end = bytes.Length - 22;
        var wide = new MemoryStream();
        wide.Write(bytes.AsSpan(0, end));
        using (var writer = new BinaryWriter(wide, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(0x06064b50u);
            writer.Write(44L);
            writer.Write(0x002D002Du);
            writer.Write(0L);
            writer.Write((long)BitConverter.ToUInt16(bytes, end + 8));
            writer.Write((long)BitConverter.ToUInt16(bytes, end + 10));
            writer.Write((long)BitConverter.ToUInt32(bytes, end + 12));
            writer.Write((long)BitConverter.ToUInt32(bytes, end + 16));
            writer.Write(0x07064b50u);
            writer.Write(0);
            writer.Write((long)end);
            writer.Write(1);
            writer.Write(0x06054b50u);
            writer.Write(0);
            writer.Write(0xFFFFFFFFu);
            writer.Write(-1L);
            writer.Write((ushort)0);
        }

        File.WriteAllBytes(_folder["wide.bin"], wide.ToArray());
        Assert.Equal([1, 2, 3, 4], Assert.Single(TorchFile.Read(_folder["wide.bin"])).ToFloats());
    }

    [Fact]
    public void Safetensors_win_over_a_pickle_and_the_digest_is_of_the_file_that_was_read()
    {
        var safe = Fixtures.Path("merge", "lora-both-files", "adapter");
        var both = PeftReader.Read(safe);
        Assert.Contains(both.Warnings, warning => warning.Contains("adapter_model.bin", StringComparison.Ordinal));

        foreach (var name in (string[])["adapter_config.json", "adapter_model.bin"])
            File.Copy(Path.Combine(safe, name), _folder[name]);

        var pickled = PeftReader.Read(_folder.Path);
        Assert.DoesNotContain(pickled.Warnings, warning => warning.Contains("adapter_model.bin", StringComparison.Ordinal));
        Assert.NotEqual(both.Digest, pickled.Digest);
        Assert.Equal(both.Modules.Select(module => module.Name), pickled.Modules.Select(module => module.Name));
    }

    [Fact]
    [Raises(ProblemCode.CheckpointPickled)]
    public void A_base_is_read_from_safetensors_only()
    {
        File.WriteAllBytes(_folder["pytorch_model.bin"], [0x50, 0x4B]);
        foreach (var path in (string[])[_folder.Path, _folder["pytorch_model.bin"]])
        {
            var error = Assert.Throws<LoraOpsException>(() => Checkpoint.Open(path));
            Assert.Equal(ProblemCode.CheckpointPickled, Assert.Single(error.Problems).Code);
        }
    }

    private static string Storage(string key, string count) => $"(U\u0007storagectorch\nFloatStorage\nU\u0001{key}U\u0003cpu{count}tQ";

    private static string Tensor(string sizes, string strides, string key = "0", string count = "K\u0004") =>
        $"ctorch._utils\n_rebuild_tensor_v2\n({Storage(key, count)}K\0{sizes}{strides}\u0089{Dict}RtR.";

    private static string Named(string sizes, string strides, string key = "0", string count = "K\u0004") =>
        "U\u0001a" + Tensor(sizes, strides, key, count)[..^1] + "s";

    // An archive like PyTorch's with one storage of the floats 1, 2, 3, 4.
    private string Archive(string pickle, CompressionLevel level = CompressionLevel.NoCompression, (string Name, string Text)? more = null)
    {
        var path = _folder["archive.bin"];
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        Write(archive, "a/data.pkl", Encoding.Latin1.GetBytes(pickle), level);
        Write(archive, "a/data/0", [.. new[] { 1f, 2, 3, 4 }.SelectMany(BitConverter.GetBytes)], level);
        if (more is var (name, text))
            Write(archive, name, Encoding.Latin1.GetBytes(text), level);

        return path;
    }

    private static void Write(ZipArchive archive, string name, byte[] bytes, CompressionLevel level)
    {
        using var entry = archive.CreateEntry(name, level).Open();
        entry.Write(bytes);
    }
}
