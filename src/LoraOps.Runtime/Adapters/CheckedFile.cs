using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Readers;

namespace LoraOps.Runtime.Adapters;

/// <summary>An <c>.onnx_adapter</c> file that was read and fits the model.</summary>
/// <param name="Path">Where it lies, from the root.</param>
/// <param name="Digest">SHA-256 of its bytes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Names">The inputs that it sets.</param>
internal sealed record CheckedFile(string Path, string Digest, long Bytes, IReadOnlySet<string> Names)
{
    /// <summary>Reads through the file, so that its pages are in memory again if the system took them. Nothing depends on it.</summary>
    public void Touch()
    {
        if (File.Exists(Path))
            _ = Bundles.Digest.OfFile(Path);
    }

    /// <summary>Compares the file with what was checked.</summary>
    /// <exception cref="LoraOpsException">It is another one by now.</exception>
    public void CheckUnchanged() => Compare(Bundles.Digest.OfFile(Path));

    /// <summary>The bytes that were checked.</summary>
    /// <exception cref="LoraOpsException">It is another one by now.</exception>
    public byte[] ReadAgain()
    {
        var bytes = InputFile.ReadAll(Path, Bytes, _ => SwitchProblems.AdapterChanged(Path));
        Compare(Bundles.Digest.OfBytes(bytes));
        return bytes;
    }

    private void Compare(string found)
    {
        if (found != Digest)
            throw new LoraOpsException(SwitchProblems.AdapterChanged(Path));
    }
}
