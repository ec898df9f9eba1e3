namespace LoraOps.Runtime.Adapters;

/// <summary>
/// Keeps something alive while somebody uses it. The owner is the first user; when it has closed and the last other user
/// has left, the thing ends, on the thread of whoever left last. Nobody ever waits.
/// </summary>
/// <param name="ended">Called once.</param>
internal sealed class UseCount(Action ended)
{
    private int _users = 1;
    private int _closed;

    /// <summary>True if nobody but the owner is there; others may come at once unless the caller keeps them out.</summary>
    public bool IsIdle => Volatile.Read(ref _users) == 1;

    /// <summary>Enters; false once the owner has closed. Whoever enters must <see cref="Exit"/> once.</summary>
    public bool TryEnter()
    {
        var users = Volatile.Read(ref _users);
        while (users > 0 && Volatile.Read(ref _closed) == 0)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
                return true;

            users = seen;
        }

        return false;
    }

    /// <summary>Leaves.</summary>
    public void Exit()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            ended();
    }

    /// <summary>The owner leaves; the second time nothing happens.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
            Exit();
    }
}
