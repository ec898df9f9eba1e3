using LoraOps.Problems;

namespace LoraOps.Runtime.Adapters;

/// <summary>
/// The adapters of a manager by id, at most so many bytes of them resident. What nobody uses leaves in the order of its last use
/// and comes back from its file. Files are read outside the lock; whoever holds a slot may take the lock, never the reverse.
/// </summary>
/// <param name="limit">The most resident bytes.</param>
/// <param name="check">Reads and checks files.</param>
/// <param name="meter">Counts.</param>
internal sealed class AdapterCache(long limit, FileCheck check, AdapterMeter meter)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, AdapterSlot> _slots = new(StringComparer.Ordinal);
    private long _resident;
    private long _uses;
    private bool _closed;

    /// <summary>The bytes that are resident, those included that only a running request still holds.</summary>
    public long ResidentBytes
    {
        get
        {
            lock (_lock)
                return _resident;
        }
    }

    /// <summary>What there is, by id.</summary>
    public IReadOnlyList<AdapterInfo> Adapters
    {
        get
        {
            lock (_lock)
                return [.. _slots.Values.OrderBy(slot => slot.Id, StringComparer.Ordinal).Select(slot => slot.Info)];
        }
    }

    /// <summary>Puts a file under an id in place of what was there. Whatever fails leaves that as it was.</summary>
    public AdapterInfo Load(string id, string path)
    {
        var version = Open(id, check.Read(path));
        AdapterVersion? old;
        lock (_lock)
            old = _closed ? version : Put(id, version);

        old?.Dispose();
        ObjectDisposedException.ThrowIf(ReferenceEquals(old, version), typeof(AdapterManager));
        return new AdapterSlot(id, version).Info;
    }

    /// <summary>The version of an id that is active now, in memory, with a use of it that the caller must leave.</summary>
    /// <exception cref="LoraOpsException">The id is unknown, or its file is gone or another one since it was evicted.</exception>
    public AdapterVersion Enter(string id)
    {
        while (true)
        {
            AdapterSlot slot;
            lock (_lock)
            {
                slot = Find(id);
                slot.LastUse = ++_uses;
                if (slot.TryEnter() is { } version)
                    return version;
            }

            if (Reload(slot) is { } reloaded)
                return reloaded;
        }
    }

    /// <summary>Brings the pages of a version into memory that the system may have taken; a copy is the process's own.</summary>
    public void Touch(AdapterVersion version)
    {
        if (check.Storage == AdapterStorage.Mapped)
            version.File.Touch();
    }

    /// <summary>Forgets an id; what it holds ends with the last run that uses it.</summary>
    /// <exception cref="LoraOpsException">The id is unknown.</exception>
    public void Unload(string id)
    {
        AdapterVersion? old;
        lock (_lock)
        {
            old = Find(id).Take();
            _slots.Remove(id);
        }

        old?.Dispose();
    }

    /// <summary>Forgets everything.</summary>
    public void Close()
    {
        List<AdapterVersion> old;
        lock (_lock)
        {
            _closed = true;
            old = [.. _slots.Values.Select(slot => slot.Take()).OfType<AdapterVersion>()];
            _slots.Clear();
        }

        old.ForEach(version => version.Dispose());
    }

    // One thread reads the file, the others of this id wait for it. Null if the slot changed meanwhile: look again.
    private AdapterVersion? Reload(AdapterSlot slot)
    {
        lock (slot.Reloading)
        {
            AdapterInfo before;
            lock (_lock)
            {
                if (!IsEmpty(slot))
                    return null;

                before = slot.Info;
            }

            if (ReadAgain(slot, before) is not { } file)
                return null;

            var version = Open(slot.Id, file);
            lock (_lock)
            {
                if (IsEmpty(slot) && slot.Info.Digest == file.Digest)
                {
                    slot.Give(version);
                    return slot.TryEnter();
                }
            }

            version.Dispose();
            return null;
        }
    }

    private CheckedFile? ReadAgain(AdapterSlot slot, AdapterInfo before)
    {
        try
        {
            var file = check.Read(before.Path);
            return file.Digest == before.Digest ? file : throw new LoraOpsException(SwitchProblems.AdapterChanged(before.Path));
        }
        catch (LoraOpsException) when (IsGone(slot))
        {
            // Another version was loaded meanwhile, perhaps over the same path.
            return null;
        }
    }

    private bool IsGone(AdapterSlot slot)
    {
        lock (_lock)
            return !IsEmpty(slot);
    }

    private bool IsEmpty(AdapterSlot slot) =>
        !slot.Info.IsResident && _slots.TryGetValue(slot.Id, out var current) && ReferenceEquals(current, slot);

    private AdapterVersion? Put(string id, AdapterVersion version)
    {
        if (!_slots.TryGetValue(id, out var slot))
        {
            _slots.Add(id, new AdapterSlot(id, version) { LastUse = ++_uses });
            return null;
        }

        var old = slot.Take();
        slot.Give(version);
        slot.LastUse = ++_uses;
        return old;
    }

    private AdapterVersion Open(string id, CheckedFile file)
    {
        Reserve(id, file);
        try
        {
            var version = AdapterVersion.Open(file, check.Storage, Ended);
            meter.Loaded(id);
            return version;
        }
        catch
        {
            lock (_lock)
                _resident -= file.Bytes;

            throw;
        }
    }

    // Makes room. The version that is about to be replaced stays: if its successor fails, it goes on.
    private void Reserve(string id, CheckedFile file)
    {
        while (true)
        {
            AdapterSlot slot;
            AdapterVersion version;
            lock (_lock)
            {
                if (_resident + file.Bytes <= limit)
                {
                    _resident += file.Bytes;
                    return;
                }

                slot = _slots.Values.Where(other => other.IsIdle && other.Id != id).MinBy(other => other.LastUse)
                    ?? throw new LoraOpsException(SwitchProblems.CacheFull(file.Path, file.Bytes, _resident, limit));
                version = slot.Take()!;
                version.IsCounted = false;
                _resident -= version.File.Bytes;
            }

            meter.Evicted(slot.Id);
            version.Dispose();
        }
    }

    private void Ended(AdapterVersion version)
    {
        lock (_lock)
        {
            if (version.IsCounted)
                _resident -= version.File.Bytes;
        }
    }

    private AdapterSlot Find(string id)
    {
        ObjectDisposedException.ThrowIf(_closed, typeof(AdapterManager));
        return _slots.GetValueOrDefault(id)
            ?? throw new LoraOpsException(SwitchProblems.AdapterUnknown(id, NearMisses.Phrase(id, _slots.Keys)));
    }
}
