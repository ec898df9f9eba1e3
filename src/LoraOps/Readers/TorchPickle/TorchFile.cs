using System.Text;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.TorchPickle;

/// <summary>
/// A state dict that <c>torch.save</c> wrote (PyTorch 1.6 and later): a zip archive with a pickle of views and one entry for each
/// storage. The pickle is read as a description; it is never executed.
/// </summary>
public static class TorchFile
{
    private const string PickleName = "/data.pkl";
    private const int MostPickleBytes = 64 << 20;
    private const byte PickleMark = 0x80;

    /// <summary>True if a file's name says that torch.save wrote it.</summary>
    public static bool IsNamed(string path) => Path.GetExtension(path).ToUpperInvariant() is ".BIN" or ".PT" or ".PTH";

    /// <summary>The tensors in the order of the file; each reads its own bytes when asked for.</summary>
    /// <param name="path">The .bin or .pt file.</param>
    /// <exception cref="LoraOpsException">It is missing, damaged, of the older layout, or holds anything but tensors by name.</exception>
    public static IReadOnlyList<Tensor> Read(string path)
    {
        using var file = InputFile.Open(path);
        try
        {
            if (file.ReadByte() == PickleMark)
                throw new LoraOpsException(AdapterProblems.WeightsPickled(path));

            return Read(path, file);
        }
        catch (IOException error)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, error.Message));
        }
    }

    private static List<Tensor> Read(string path, FileStream file)
    {
        var entries = ArchiveEntries.Read(path, file);
        var folder = Folder(path, entries);
        if (entries.Find(folder + "/byteorder") is { Length: <= 16 } order && Encoding.Latin1.GetString(Bytes(file, order)) != "little")
            throw new LoraOpsException(TorchProblems.ArchiveInvalid(path, "was written by a machine with another byte order"));

        var range = entries.Find(folder + PickleName)!.Value;
        if (range.Length > MostPickleBytes)
            throw new LoraOpsException(TorchProblems.ArchiveInvalid(
                path, $"has a pickle of {range.Length} bytes; at most {MostPickleBytes} are allowed"));

        if (new PickleMachine(path, Bytes(file, range)).Run() is not PickledDictionary dictionary)
            throw new LoraOpsException(TorchProblems.NoStateDict(path, "its top level is no dictionary"));

        var views = new TensorViews(path, key => entries.Find($"{folder}/data/{key}"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tensors = new List<Tensor>();
        foreach (var (key, value) in dictionary.Items)
        {
            if (key is not string name || value is not PickledTensor view)
                throw new LoraOpsException(TorchProblems.NoStateDict(
                    path, $"{(key is string text ? $"'{TorchProblems.Shown(text)}'" : "a key")} names no tensor"));

            if (!names.Add(name))
                throw new LoraOpsException(TorchProblems.NoStateDict(path, $"'{TorchProblems.Shown(name)}' occurs twice"));

            tensors.Add(views.Make(name, view));
        }

        return tensors;
    }

    // The archive has one folder, named after the file that was saved.
    private static string Folder(string path, ArchiveEntries entries)
    {
        var pickles = entries.Names
            .Where(name => name.EndsWith(PickleName, StringComparison.Ordinal))
            .Where(name => name.IndexOf('/', StringComparison.Ordinal) == name.Length - PickleName.Length)
            .Take(2)
            .ToList();
        return pickles.Count == 1
            ? pickles[0][..^PickleName.Length]
            : throw new LoraOpsException(TorchProblems.ArchiveInvalid(path, $"has {(pickles.Count == 0 ? "no" : "more than one")} data.pkl"));
    }

    private static byte[] Bytes(FileStream file, ArchiveRange range)
    {
        var bytes = new byte[range.Length];
        file.Position = range.Start;
        file.ReadExactly(bytes);
        return bytes;
    }
}
